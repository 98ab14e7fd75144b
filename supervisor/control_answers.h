// What the supervisor answers to mmpctl.
#pragma once

#include "proto/control.pb.h"
#include "supervisor/supervisor.h"

namespace openmmp::supervisor {

// `supervisor` must outlive the Task.
Task<proto::ControlReply> answer(Supervisor& supervisor, proto::ControlRequest request);

}  // namespace openmmp::supervisor
