#include "workers/pop3/pop3_dialect.h"
#include "workers/proxy/worker.h"

int main() { return openmmp::proxy::worker_main<openmmp::pop3::Pop3Dialect>(); }
