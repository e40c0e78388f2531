//! How much may be sent, and waking those who wait for more.

use super::{Phase, Session, Slot};
use crate::extended::Role;
use crate::session::{Event, ExchangeId};

impl Session {
    /// What can be sent now for an exchange.
    pub(super) fn room_for(&self, id: u64) -> usize {
        let room = self.output.room();
        match (self.phase, self.exchanges.get(id)) {
            (Phase::Extended, Some(exchange)) => {
                let credit = exchange.credit.min(self.credit);
                room.min(usize::try_from(credit).unwrap_or(usize::MAX))
            }
            // One answer is taken whole, in its turn.
            (Phase::Base, Some(_)) => match self.order.front() {
                Some(Slot::Exchange(front)) if *front == id && room > 0 => self.limits.frame,
                _ => 0,
            },
            _ => 0,
        }
    }

    /// What can be sent now for a new request, the first part of which it is.
    pub(super) fn room_for_request(&self) -> usize {
        let room = self.output.room();
        match self.phase {
            Phase::Extended if self.may_open_one() => {
                let credit = self.peer.exchange_window.min(self.credit);
                room.min(usize::try_from(credit).unwrap_or(usize::MAX))
            }
            Phase::Base
                if self.role == Role::Initiator
                    && room > 0
                    && self.order.len() < self.limits.exchanges as usize =>
            {
                self.limits.frame
            }
            _ => 0,
        }
    }

    /// Extended form: there is a place for one more own exchange. Without payload, a request needs no credit.
    pub(super) fn may_open_one(&self) -> bool {
        let next = self.own_last.wrapping_add(2);
        self.output.room() > 0 && u64::from(self.exchanges.count(next)) < self.peer.exchanges
    }

    /// The application waits for room for a request of so many octets.
    pub(super) fn block_requests(&mut self, octets: usize) {
        let wants = octets.min(self.most());
        self.request_wants = Some(self.request_wants.map_or(wants, |known| known.min(wants)));
    }

    /// The application is told where something has room again.
    pub(super) fn wake(&mut self) {
        if self.over {
            return;
        }
        let may_request = self.request_wants.is_some_and(|wants| match wants {
            0 => self.may_open_one(),
            wants => self.room_for_request() >= wants,
        });
        if may_request {
            self.request_wants = None;
            self.events.push_back(Event::RequestCapacity);
        }
        if self.message_wants > 0 && self.credit >= self.message_wants && self.output.room() > 0 {
            self.message_wants = 0;
            self.events.push_back(Event::MessageCapacity);
        }
        if self.exchanges.blocked == 0 {
            return;
        }
        let mut blocked = self.exchanges.ids(|_, exchange| exchange.wants > 0);
        blocked.retain(|&id| {
            let room = self.room_for(id);
            let Some(exchange) = self.exchanges.get_mut(id) else { return false };
            let waits = room < exchange.wants;
            if !waits {
                exchange.wants = 0;
                self.events.push_back(Event::Capacity { id: ExchangeId(id) });
            }
            waits
        });
        self.exchanges.blocked = blocked.len();
    }

    /// The application waits for so much capacity of an exchange, as far as there can ever be so much.
    pub(super) fn block(&mut self, id: u64, wants: usize) {
        let wants = wants.min(self.most()).max(1);
        if let Some(exchange) = self.exchanges.get_mut(id)
            && std::mem::replace(&mut exchange.wants, wants) == 0
        {
            self.exchanges.blocked += 1;
        }
    }

    /// Room that comes back for certain once the peer has taken everything: credit travels by half windows.
    pub(super) fn most(&self) -> usize {
        let window = match self.phase {
            Phase::Extended => self.peer.exchange_window.min(self.peer.connection_window) / 2,
            _ => 1,
        };
        self.output.limit().min(usize::try_from(window).unwrap_or(usize::MAX)).max(1)
    }
}
