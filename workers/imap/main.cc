#include "workers/imap/imap_dialect.h"
#include "workers/proxy/worker.h"

int main() { return openmmp::proxy::worker_main<openmmp::imap::ImapDialect>(); }
