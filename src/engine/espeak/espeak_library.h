#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"

namespace titans::engine {

/// espeak-ng keeps the state of a whole process, so there is one of these, built in app/.
///
/// Thread-safe: calls wait for each other.
class EspeakLibrary {
public:
    /// Errors: Conflict if there is one already; Unsupported if espeak-ng's voices are missing.
    static Result<std::unique_ptr<EspeakLibrary>> open();

    EspeakLibrary(const EspeakLibrary&) = delete;
    EspeakLibrary& operator=(const EspeakLibrary&) = delete;
    ~EspeakLibrary();

    /// Of everything that synthesize() returns.
    SampleRate rate() const { return rate_; }

    /// Whether synthesize() knows `language`, a BCP 47 tag: "en", "en-us", "zh", "de-AT" (spoken as
    /// "de").
    bool knows(std::string_view language) const { return find_voice(language) != nullptr; }

    /// Speaks UTF-8 `text`, taken literally: neither markup nor phonemes nor control characters
    /// mean anything. Polls `stop` every 60 ms of speech. Errors: InvalidInput for an unknown
    /// language, or if the text or its speech is far longer than a sentence; Cancelled; Internal.
    Result<std::vector<std::int16_t>> synthesize(std::string_view text, std::string_view language,
                                                 const std::stop_token& stop);

private:
    explicit EspeakLibrary(SampleRate rate);
    const std::string* find_voice(std::string_view language) const;

    const SampleRate rate_;
    std::map<std::string, std::string, std::less<>>
        voices_;        // espeak-ng's name by language tag in lower case
    std::mutex mutex_;  // guards espeak-ng
};

}  // namespace titans::engine
