// mmp-state: what all workers of an instance know together.
#include "workers/state/process.h"

int main() { return openmmp::state::run_state_process(); }
