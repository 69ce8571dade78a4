#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "foundation/error.h"

namespace titans::cli {

/// Prints a streamed answer on standard output as it comes.
class AnswerPrinter {
public:
    AnswerPrinter() = default;
    AnswerPrinter(const AnswerPrinter&) = delete;
    /// Ends the line of an answer that broke off.
    ~AnswerPrinter();

    /// An event of the answer.
    Result<void> take(std::string_view name, const nlohmann::json& data);

    /// The whole answer, once all events were taken.
    const nlohmann::json& answer() const { return answer_; }

private:
    bool within_line_ = false;
    nlohmann::json answer_;
};

/// Where the answer's recording is; empty if there is none.
std::string audio_url(const nlohmann::json& answer);

}  // namespace titans::cli
