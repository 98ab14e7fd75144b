// One worker as the supervisor holds it, and the last that it said of itself.
#pragma once

#include "proto/worker.pb.h"
#include "supervisor/child.h"

namespace openmmp::supervisor {

struct WorkerProcess : Child<proto::ToWorker, proto::FromWorker> {
  using Child::Child;

  proto::Status status;         // as last reported
  unsigned status_queries = 0;  // under way
};

}  // namespace openmmp::supervisor
