// The process mmp-state: birth, then what the supervisor says until it is told to leave or the
// supervisor is gone. There is one in an instance, whatever is reloaded.
#pragma once

namespace openmmp::state {

// The exit status.
int run_state_process();

}  // namespace openmmp::state
