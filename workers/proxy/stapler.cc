#include "workers/proxy/stapler.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <limits>

#include "ipc/runtime/offload.h"
#include "ipc/runtime/random.h"
#include "ipc/tls/ocsp.h"

namespace openmmp::proxy {

namespace {

constexpr int64_t never = std::numeric_limits<int64_t>::max();
constexpr int64_t minute = 60;
constexpr int64_t hour = 60 * minute;
constexpr int64_t day = 24 * hour;
constexpr Seconds fetch_time(4);  // less than a worker that is told to end is given

// What is kept for as long as the worker lives has no business to hold the key.
std::string without_keys(const std::string& pem) {
  std::string kept;
  bool in_key = false;
  for (size_t at = 0; at < pem.size();) {
    const size_t end = std::min(pem.find('\n', at), pem.size() - 1) + 1;
    const std::string_view line = std::string_view(pem).substr(at, end - at);
    if (line.starts_with("-----BEGIN ")) in_key = line.find("PRIVATE KEY") != line.npos;
    if (!in_key) kept += line;
    at = end;
  }
  return kept;
}

int64_t random_below(int64_t limit) {
  if (limit <= 0) return 0;
  const Secret bytes = random_bytes(sizeof(uint32_t));
  uint32_t number = 0;
  std::memcpy(&number, bytes.reveal().data(), sizeof number);
  return number % limit;
}

std::string end_in_words(int64_t drop_at) {
  if (drop_at == never) return "without an end";
  return fmt::format("good until {:%Y-%m-%d %H:%M:%S} UTC",
                     fmt::gmtime(static_cast<time_t>(drop_at)));
}

}  // namespace

int64_t refetch_at(int64_t good_until, int64_t now) {
  if (good_until == 0) return now + day;
  return now + std::clamp((good_until - now) / 2, 10 * minute, day);
}

int64_t retry_at(int failures, int64_t now) {
  int64_t pause = minute;
  for (int i = 1; i < failures && pause < hour; ++i) pause *= 2;
  return now + std::min(pause, hour);
}

Stapler::Sources::Sources()
    : clock([] { return static_cast<int64_t>(std::time(nullptr)); }),
      fetch([](const std::string& url, const std::string& request) {
        return tls::fetch_ocsp(url, request, fetch_time);
      }) {}

Stapler::Stapler(Loop& loop, Log& log, tls::ServerContext& context,
                 const std::vector<tls::CertificateText>& certificates, bool fetch, Sources sources)
    : loop_(loop), log_(log), context_(context), sources_(std::move(sources)), keeping_(keep()) {
  for (size_t index = 0; index < certificates.size(); ++index) {
    add(index, certificates[index], fetch);
  }
  keeping_.start();
}

void Stapler::add(size_t index, const tls::CertificateText& text, bool fetch) {
  if (!fetch && text.ocsp.empty()) return;
  Subject subject{index, text.name, without_keys(text.chain), {}, {}, never, never, 0, {}, false};
  if (!text.ocsp.empty()) add_file(subject, text.ocsp);
  if (fetch) add_responder(subject, text);
  subjects_.push_back(std::move(subject));
}

void Stapler::add_file(Subject& subject, const std::string& response) {
  const Result<> stapled = staple(subject, response, sources_.clock());
  if (stapled) return;
  log_.write(LogLevel::warning, 0, "OCSP response of {} is not sent: {}", subject.name,
             stapled.error().detail);
  context_.staple(subject.index, {});
}

void Stapler::add_responder(Subject& subject, const tls::CertificateText& text) {
  const Result<tls::CertificateFacts> facts = tls::examine(text);
  // Authorities give up OCSP: a certificate without a responder is no fault.
  if (!facts || facts->ocsp_url.empty()) return;
  Result<std::string> request = tls::ocsp_request(subject.chain);
  if (!request) {
    complain(subject, request.error());
    return;
  }
  subject.url = facts->ocsp_url;
  subject.request = std::move(*request);
  subject.fetch_at = sources_.clock() + random_below(sources_.spread + 1);
}

// One fetch at a time, however many certificates wait: names of stores are looked up on the same
// few threads, and logins must not wait for a responder.
Task<> Stapler::keep() {
  for (;;) {
    const int64_t now = sources_.clock();
    drop_expired(now);
    const auto next = std::min_element(
        subjects_.begin(), subjects_.end(),
        [](const Subject& a, const Subject& b) { return a.fetch_at < b.fetch_at; });
    if (next != subjects_.end() && next->fetch_at <= now) {
      auto work = [fetch = sources_.fetch, url = next->url, request = next->request] {
        return fetch(url, request);
      };
      auto fetching = offload(loop_, std::move(work));
      const Result<std::string> fetched = co_await fetching;
      take(*next, fetched);
      continue;
    }
    int64_t wake_at = never;
    for (const Subject& subject : subjects_) {
      wake_at = std::min({wake_at, subject.fetch_at, subject.drop_at});
    }
    if (wake_at == never) co_return;
    // Only as far as the nap may last, lest the difference overflows.
    Sleep nap(loop_, wake_at - now < day
                         ? std::min<Millis>(Seconds(wake_at - now), sources_.longest_nap)
                         : sources_.longest_nap);
    co_await nap;
  }
}

int64_t Stapler::next_event() const {
  int64_t at = never;
  for (const Subject& subject : subjects_) at = std::min({at, subject.fetch_at, subject.drop_at});
  return at;
}

void Stapler::take(Subject& subject, const Result<std::string>& fetched) {
  const int64_t now = sources_.clock();
  const Result<> stapled = fetched ? staple(subject, *fetched, now) : fail(fetched.error());
  if (!stapled) {
    subject.fetch_at = retry_at(++subject.failures, now);
    complain(subject, stapled.error());
    return;
  }
  if (!subject.announced || !subject.complaint.empty()) {
    log_.write(LogLevel::notice, 0, "OCSP response of {} fetched from {}, {}", subject.name,
               subject.url, end_in_words(subject.drop_at));
  }
  subject.announced = true;
  subject.complaint.clear();
  subject.failures = 0;
  subject.fetch_at = refetch_at(subject.drop_at == never ? 0 : subject.drop_at, now);
}

Result<> Stapler::staple(Subject& subject, const std::string& response, int64_t now) {
  const Result<tls::OcspFacts> facts = tls::check_ocsp(response, subject.chain, now);
  if (!facts) return fail(facts.error());
  // The check forgives a clock that is a little wrong; what clients would refuse is of no use.
  if (facts->next_update != 0 && facts->next_update <= now) {
    return fail(Errc::refused, "the OCSP response is too old");
  }
  subject.drop_at = facts->next_update == 0 ? never : facts->next_update;
  context_.staple(subject.index, response);
  return {};
}

void Stapler::complain(Subject& subject, const Error& error) {
  if (subject.complaint == error.detail) return;
  subject.complaint = error.detail;
  log_.write(LogLevel::warning, 0, "no OCSP response of {}: {}", subject.name, error.detail);
}

void Stapler::drop_expired(int64_t now) {
  for (Subject& subject : subjects_) {
    if (subject.drop_at > now) continue;
    subject.drop_at = never;
    context_.staple(subject.index, {});
    log_.write(LogLevel::warning, 0, "OCSP response of {} has expired and is no longer sent",
               subject.name);
  }
}

}  // namespace openmmp::proxy
