// mmpctl's side of the control socket: one request, one reply, and waiting for it is all there is
// to do.
#pragma once

#include <string>

#include "ipc/runtime/result.h"
#include "proto/control.pb.h"

namespace openmmp::control {

// Asks the instance whose control socket is `path`. Errc::closed: none is running there;
// Errc::refused: one is, but not for us.
Result<proto::ControlReply> ask(const std::string& path, const proto::ControlRequest& request);

}  // namespace openmmp::control
