use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use wirelace_http_semantics::hsts::{HstsPolicy, HstsStore, KnownHost, PreloadList, Update};

use crate::{NOW, host};

/// A store whose clock a test moves.
struct Clocked {
    store: HstsStore,
    now: u64,
}

impl Clocked {
    fn new(limit: usize) -> Clocked {
        Clocked { store: HstsStore::new(limit), now: NOW }
    }

    fn receive(&mut self, name: &str, value: &str) -> Update {
        self.store.receive(&host(name), value.as_bytes(), self.now).unwrap()
    }

    fn knows(&self, name: &str) -> bool {
        self.store.known(&host(name), self.now).is_some()
    }
}

#[test]
fn a_host_is_known_until_its_time_is_over() {
    let mut clocked = Clocked::new(10);
    assert!(!clocked.knows("example.com"));
    assert_eq!(clocked.receive("example.com", "max-age=100"), Update::Kept);
    for (after, known) in [(0, true), (99, true), (100, false), (101, false)] {
        clocked.now = NOW + after;
        assert_eq!(clocked.knows("example.com"), known, "{after}");
    }
    // A clock that was set back finds it again: nothing was thrown away.
    clocked.now = NOW;
    assert!(clocked.knows("example.com"));
    clocked.store.expire(NOW + 99);
    assert_eq!(clocked.store.len(), 1);
    clocked.store.expire(NOW + 100);
    assert!(clocked.store.is_empty());
}

#[test]
fn the_latest_policy_counts() {
    let mut clocked = Clocked::new(10);
    clocked.receive("example.com", "max-age=1000; includeSubDomains");
    assert!(clocked.knows("a.example.com"));
    clocked.now += 10;
    clocked.receive("example.com", "max-age=5");
    assert!(clocked.knows("example.com") && !clocked.knows("a.example.com"));
    clocked.now += 5;
    assert!(!clocked.knows("example.com"));
    assert_eq!(clocked.store.len(), 1);
    // Each response begins the time anew.
    for _ in 0..10 {
        clocked.receive("example.com", "max-age=5");
        clocked.now += 4;
        assert!(clocked.knows("example.com"));
    }
}

#[test]
fn max_age_0_deletes() {
    let mut clocked = Clocked::new(10);
    assert_eq!(clocked.receive("example.com", "max-age=0"), Update::None);
    clocked.receive("example.com", "max-age=1000; includeSubDomains");
    clocked.receive("a.example.com", "max-age=1000");
    assert_eq!(clocked.receive("example.com", "max-age=0; includeSubDomains"), Update::Deleted);
    // It speaks for itself alone.
    assert!(!clocked.knows("example.com") && clocked.knows("a.example.com"));
    assert!(!clocked.knows("b.example.com"));
    assert_eq!(clocked.receive("a.example.com", "max-age=0"), Update::Deleted);
    assert!(clocked.store.is_empty());
}

#[test]
fn a_malformed_value_changes_nothing() {
    let mut clocked = Clocked::new(10);
    clocked.receive("example.com", "max-age=1000");
    for value in ["max-age=0; max-age=0", "max-age=", "", "max-age=0; includeSubDomains=1"] {
        assert!(clocked.store.receive(&host("example.com"), value.as_bytes(), NOW).is_err());
        assert!(clocked.knows("example.com"), "{value}");
    }
}

#[test]
fn names_are_compared_label_by_label() {
    let mut clocked = Clocked::new(10);
    clocked.receive("Example.COM.", "max-age=1000; includeSubDomains");
    clocked.receive("alone.test", "max-age=1000");
    for (name, known) in [
        ("example.com", true),
        ("EXAMPLE.com", true),
        ("example.com.", true),
        ("www.example.com", true),
        ("a.b.c.example.com.", true),
        ("notexample.com", false),
        ("example.com.evil.test", false),
        ("com", false),
        ("xample.com", false),
        ("example.co", false),
        ("alone.test", true),
        ("www.alone.test", false),
        ("test", false),
    ] {
        assert_eq!(clocked.knows(name), known, "{name}");
    }
}

/// A host's own policy without includeSubDomains does not shut out the one of the host above.
#[test]
fn a_policy_above_counts_beside_ones_own() {
    let mut clocked = Clocked::new(10);
    clocked.receive("example.com", "max-age=100; includeSubDomains");
    clocked.receive("a.example.com", "max-age=10");
    let found = |clocked: &Clocked, name: &str| {
        let name = host(name);
        clocked.store.known(&name, clocked.now).map(|known| (known.by.to_owned(), known.expires))
    };
    assert_eq!(found(&clocked, "a.example.com"), Some(("a.example.com".to_owned(), Some(NOW + 10))));
    assert_eq!(found(&clocked, "b.a.example.com"), Some(("example.com".to_owned(), Some(NOW + 100))));
    clocked.now += 10;
    assert_eq!(found(&clocked, "a.example.com"), Some(("example.com".to_owned(), Some(NOW + 100))));
    clocked.now += 90;
    assert_eq!(found(&clocked, "a.example.com"), None);
}

#[test]
fn a_full_store_drops_what_ends_first() {
    let mut clocked = Clocked::new(3);
    for (name, age) in [("a.test", 300), ("b.test", 100), ("c.test", 200)] {
        assert_eq!(clocked.receive(name, &format!("max-age={age}")), Update::Kept);
    }
    assert_eq!(clocked.receive("d.test", "max-age=400"), Update::Kept);
    let known =
        |clocked: &Clocked| ["a.test", "b.test", "c.test", "d.test"].map(|name| clocked.knows(name)).to_vec();
    assert_eq!(known(&clocked), [true, false, true, true]);
    // What ends before all others has no place.
    assert_eq!(clocked.receive("b.test", "max-age=150"), Update::None);
    assert_eq!(known(&clocked), [true, false, true, true]);
    // One that is there already takes no other place.
    clocked.receive("c.test", "max-age=1000");
    assert_eq!(known(&clocked), [true, false, true, true]);
    // Those whose time is over go before any other.
    clocked.now += 400;
    assert_eq!(clocked.receive("b.test", "max-age=1"), Update::Kept);
    assert_eq!((clocked.store.len(), known(&clocked)), (2, vec![false, true, true, false]));
}

#[test]
fn memory_is_bounded() {
    let mut clocked = Clocked::new(100);
    for number in 0..10_000 {
        clocked.receive(&format!("h{number}.test"), &format!("max-age={}", 1000 + number));
        assert!(clocked.store.len() <= 100);
    }
    assert!(clocked.knows("h9999.test") && clocked.knows("h9900.test") && !clocked.knows("h9899.test"));
    let mut none = Clocked::new(0);
    assert_eq!(none.receive("a.test", "max-age=1"), Update::None);
    assert!(none.store.is_empty());
}

#[test]
fn the_end_of_time() {
    let mut clocked = Clocked::new(10);
    clocked.receive("example.com", "max-age=99999999999999999999999");
    clocked.now = u64::MAX - 1;
    assert!(clocked.knows("example.com"));
}

#[test]
fn preloaded_hosts() {
    let list = PreloadList::from_lines(".app\nexample.com\n").unwrap();
    let mut store = HstsStore::new(10).with_preload(Arc::new(list));
    let by = |store: &HstsStore, name: &str| {
        let name = host(name);
        store.known(&name, NOW).map(|KnownHost { by, expires }| (by.to_owned(), expires))
    };
    assert_eq!(by(&store, "some.app"), Some(("app".to_owned(), None)));
    assert_eq!(by(&store, "example.com"), Some(("example.com".to_owned(), None)));
    assert_eq!(by(&store, "www.example.com"), None);
    let policy = HstsPolicy::new(10).include_subdomains();
    store.update(&host("example.com"), &policy, NOW);
    assert_eq!(by(&store, "www.example.com"), Some(("example.com".to_owned(), Some(NOW + 10))));
    // Only what was received is taken back.
    store.update(&host("example.com"), &HstsPolicy::new(0), NOW);
    assert_eq!(by(&store, "example.com"), Some(("example.com".to_owned(), None)));
    assert_eq!(store.len(), 0);
}

proptest! {
    /// The same as a plain map from names to policies.
    #[test]
    fn as_a_map(
        steps in proptest::collection::vec((0..12usize, 0..50u64, any::<bool>(), 0..20u64), 1..60),
    ) {
        let names = ["a", "b.a", "c.b.a", "d.c.b.a", "b", "a.b", "b.a.b", "c", "a.c", "aa", "b.aa", "ba"];
        let mut store = HstsStore::new(100);
        let mut model: BTreeMap<&str, (u64, bool)> = BTreeMap::new();
        let mut now = NOW;
        for (index, max_age, include_subdomains, pause) in steps {
            let policy = HstsPolicy { max_age, include_subdomains, preload: false };
            store.update(&host(names[index]), &policy, now);
            if max_age == 0 {
                model.remove(names[index]);
            } else {
                model.insert(names[index], (now + max_age, include_subdomains));
            }
            now += pause;
            for name in names {
                let expected = model.iter().any(|(known, (end, below))| {
                    *end > now && (name == *known || *below && name.ends_with(&format!(".{known}")))
                });
                prop_assert_eq!(store.known(&host(name), now).is_some(), expected, "{} at {}", name, now);
            }
            prop_assert_eq!(store.len(), model.len());
        }
        // And what is kept in a text is the same.
        let mut again = HstsStore::new(100);
        again.load(&store.save(now), now);
        for name in names {
            prop_assert_eq!(again.known(&host(name), now).is_some(), store.known(&host(name), now).is_some());
        }
    }
}
