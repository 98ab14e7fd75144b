#include "ipc/tls/stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "ipc/runtime/check.h"
#include "ipc/tls/openssl.h"
#include "ipc/tls/peer.h"

namespace openmmp::tls {

namespace {

constexpr size_t largest_record = 16384;
// A TLS 1.2 record with CBC and a SHA-384 MAC grows by this much; the others by less.
constexpr size_t record_overhead = 96;

}  // namespace

// The BIO's data points to it, so it does not move with the Stream.
struct Stream::State {
  explicit State(SSL* taken) : ssl(taken) {}
  // OpenSSL would spoil the kept session of a stream that goes without a shutdown, as most do.
  ~State() {
    if (is_good()) SSL_set_shutdown(ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // A call into OpenSSL: with this transport, and with an empty error queue before.
  class Call {
   public:
    Call(State& state, const Transport* transport) : state_(state) {
      state_.transport = transport;
      ERR_clear_error();
    }
    ~Call() { state_.transport = nullptr; }

   private:
    State& state_;
  };

  static BIO_METHOD* bio_method();
  static int receive(BIO* bio, char* to, int room);
  static int send(BIO* bio, const char* text, int size);
  static long control(BIO* bio, int command, long number, void* pointer);

  // Nothing is wrong with what TLS itself protects.
  bool is_good() const { return failure == 0 || truncated; }
  bool more_at_hand() const { return full || SSL_has_pending(ssl.get()) == 1; }
  ssize_t fail_read(int result);
  Errc note_failure(int result);

  Owned<SSL> ssl;
  const Transport* transport = nullptr;  // during a Call
  std::string output;
  std::string error;
  int failure = 0;         // errno of every further read
  int receive_error = 0;   // errno of the transport, other than EAGAIN
  bool full = false;       // the last receive left nothing of its room
  bool ended = false;      // the transport has come to its end
  bool truncated = false;  // and TLS had not
};

BIO_METHOD* Stream::State::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    CHECK(made != nullptr);
    BIO_meth_set_read(made, receive);
    BIO_meth_set_write(made, send);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

int Stream::State::receive(BIO* bio, char* to, int room) {
  auto& state = *static_cast<State*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  state.full = false;
  if (state.transport == nullptr) {  // in write() and close(), which only send
    BIO_set_retry_read(bio);
    return -1;
  }
  const ssize_t got =
      state.transport->receive(state.transport->self, to, static_cast<size_t>(room));
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
    BIO_set_retry_read(bio);
  } else if (got < 0) {
    state.receive_error = errno;
  }
  state.ended = got == 0;
  state.full = got == room;
  return static_cast<int>(got);
}

int Stream::State::send(BIO* bio, const char* text, int size) {
  auto& state = *static_cast<State*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  state.output.append(text, static_cast<size_t>(size));
  return size;
}

long Stream::State::control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// What `result`, which is no success and not a wait, means. An end of the transport is not passed
// on to OpenSSL as such, so that the other direction stays usable.
Errc Stream::State::note_failure(int result) {
  if (failure != 0) return truncated || failure != EPROTO ? Errc::closed : Errc::protocol;
  const int kind = SSL_get_error(ssl.get(), result);
  if (kind == SSL_ERROR_SYSCALL && receive_error != 0) {
    failure = receive_error;
    error = std::strerror(receive_error);
  } else if (kind == SSL_ERROR_SYSCALL && ended) {
    failure = EPROTO;
    truncated = true;
    error = SSL_is_init_finished(ssl.get()) ? "closed without close_notify"
                                            : "closed during the TLS handshake";
  } else {
    failure = EPROTO;
    const std::string reason = take_error();
    if (error.empty()) error = reason;
  }
  ERR_clear_error();
  return truncated || failure != EPROTO ? Errc::closed : Errc::protocol;
}

ssize_t Stream::State::fail_read(int result) {
  const int kind = SSL_get_error(ssl.get(), result);
  if (kind == SSL_ERROR_ZERO_RETURN) return 0;
  if (kind == SSL_ERROR_WANT_READ) {
    errno = EAGAIN;
    return -1;
  }
  note_failure(result);
  errno = failure;
  return -1;
}

Stream::Stream(ssl_st* ssl) : state_(std::make_unique<State>(ssl)) {
  BIO* bio = BIO_new(State::bio_method());
  CHECK(ssl != nullptr && bio != nullptr);
  BIO_set_data(bio, state_.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
}

Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

Result<Stream::Progress> Stream::handshake(Transport transport) {
  const State::Call call(*state_, &transport);
  SSL* ssl = state_->ssl.get();
  const int result = state_->failure == 0 ? SSL_do_handshake(ssl) : -1;
  if (result == 1) return Progress::done;
  if (state_->failure == 0 && SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ) {
    return Progress::wait;
  }
  const Errc code = state_->note_failure(result);
  return fail(code, state_->error);
}

ssize_t Stream::read(Transport transport, char* to, size_t room) {
  const State::Call call(*state_, &transport);
  if (state_->failure != 0) {
    errno = state_->failure;
    return -1;
  }
  size_t got = 0;
  // One call of SSL_read() gives one record at most; the owner wants what there is.
  do {
    size_t more = 0;
    const int result = SSL_read_ex(state_->ssl.get(), to + got, room - got, &more);
    if (result != 1 && got > 0) {
      // What is wrong, if anything is, comes with the next call.
      const int kind = SSL_get_error(state_->ssl.get(), result);
      if (kind == SSL_ERROR_SSL || kind == SSL_ERROR_SYSCALL) state_->note_failure(result);
      break;
    }
    if (result != 1) return state_->fail_read(result);
    got += more;
  } while (got < room && state_->more_at_hand());
  return static_cast<ssize_t>(got);
}

Result<> Stream::write(std::string_view text) {
  const State::Call call(*state_, nullptr);
  if (!state_->is_good()) return fail(Errc::closed, state_->error);
  if (text.empty()) return {};
  if (text.size() > largest_record) {  // else the string's own growth is good enough
    const size_t records = text.size() / largest_record + 1;
    state_->output.reserve(state_->output.size() + text.size() + records * record_overhead);
  }
  size_t written = 0;
  const int result = SSL_write_ex(state_->ssl.get(), text.data(), text.size(), &written);
  if (result == 1) return {};
  const Errc code = state_->note_failure(result);
  return fail(code, state_->error);
}

void Stream::close() {
  const State::Call call(*state_, nullptr);
  SSL* ssl = state_->ssl.get();
  // OpenSSL would take a close during the handshake for a mistake of ours.
  if (SSL_is_init_finished(ssl) && (SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN) == 0) {
    SSL_shutdown(ssl);
  }
  ERR_clear_error();
}

std::string& Stream::output() { return state_->output; }

const std::string& Stream::error() const { return state_->error; }

bool Stream::truncated() const { return state_->truncated; }

Facts Stream::facts() const {
  const SSL* ssl = state_->ssl.get();
  Facts facts;
  facts.version = SSL_get_version(ssl);
  facts.cipher = SSL_get_cipher_name(ssl);
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
    facts.server_name = name;
  }
  facts.resumed = SSL_session_reused(ssl) == 1;
  return facts;
}

std::optional<PeerCertificate> Stream::peer_certificate() const {
  return peer_certificate_of(state_->ssl.get());
}

std::optional<std::string> Stream::binding(Binding kind) const {
  return binding_of(state_->ssl.get(), kind);
}

void Stream::explain(ssl_st* ssl, std::string why) {
  static_cast<State*>(BIO_get_data(SSL_get_rbio(ssl)))->error = std::move(why);
}

ssl_st* Stream::get() const { return state_->ssl.get(); }

}  // namespace openmmp::tls
