// What comes from the network before the HTTP library sees it: cut anywhere, it must be judged
// alike.

#include <cstdlib>

#include "api/byte_range.h"
#include "api/request_gate.h"
#include "api/request_head.h"

using namespace titans;

namespace {

const api::GateRules kRules{.allowed_hosts = {"titans.lan"}, .max_body_bytes = 10'000};

struct Judged {
    std::string passed;
    int status = 0;  // of the refusal; 0: none

    bool operator==(const Judged&) const = default;
};

Judged judge(std::string_view bytes, std::size_t piece) {
    api::RequestGate gate(kRules);
    Judged judged;
    const auto pass = [&judged](std::string_view some) { judged.passed += some; };
    for (; !bytes.empty() && judged.status == 0;
         bytes.remove_prefix(std::min(piece, bytes.size()))) {
        if (const auto refusal = gate.take(bytes.substr(0, piece), pass, {})) {
            judged.status = refusal->status;
        }
    }
    return judged;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto head = api::parse_request_head(text)) {
        static_cast<void>(api::judge(*head, kRules));
        if (head->path.empty() || head->path.front() != '/') std::abort();
    }
    if (judge(text, text.size() + 1) != judge(text, 3)) std::abort();
    static_cast<void>(api::parse_authority(text));
    const auto range = api::parse_byte_range(text, 1000);
    if (range && range->count > 0 && range->first + range->count > 1000) std::abort();
    static_cast<void>(api::names_etag(text, "\"e\""));
    return 0;
}
