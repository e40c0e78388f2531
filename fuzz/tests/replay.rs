//! Replays the committed corpora, and every beginning of them, through the fuzz targets.

use std::path::{Path, PathBuf};
use wirelace_fuzz::TARGETS;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn corpora_replay_without_a_finding() {
    for (name, target) in TARGETS {
        let folder = corpus().join(name);
        let files = names(&folder);
        assert!(!files.is_empty(), "{name} has no corpus");
        for file in files {
            let data = std::fs::read(folder.join(&file)).unwrap();
            println!("{name}/{file}");
            target(&data);
            let step = data.len().div_ceil(200).max(1);
            (0..data.len()).step_by(step).for_each(|end| target(&data[..end]));
        }
    }
}

#[test]
fn every_target_is_listed() {
    let mut listed: Vec<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    listed.sort();
    let programs = names(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets"));
    let programs: Vec<String> = programs.iter().map(|file| file.trim_end_matches(".rs").to_owned()).collect();
    assert_eq!(listed, programs);
    assert_eq!(listed, names(&corpus()));
}
