#include "workers/proxy/store_outcome.h"

#include "workers/proxy/shared_state.h"

namespace openmmp::proxy {

void note_store_outcome(SharedState& shared, const std::string& store, const Result<>& outcome,
                        bool credentials_shown) {
  if (outcome) return shared.store_succeeded(store);
  switch (outcome.error().code) {
    case Errc::refused:
      return shared.store_succeeded(store);
    case Errc::closed:
    case Errc::timeout:
    case Errc::protocol:
    case Errc::limit:  // of a line
      if (!credentials_shown) shared.store_failed(store, outcome.error().detail);
      return;
    case Errc::unavailable:
    case Errc::draining:
    case Errc::internal:
      return;
  }
}

}  // namespace openmmp::proxy
