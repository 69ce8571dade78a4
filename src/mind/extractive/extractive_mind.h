#pragma once

#include "mind/language_model.h"
#include "text/sentences.h"
#include "text/words.h"

namespace titans::mind {

/// Answers without a model: quotes, in quotation marks, the sentence of the passages that shares
/// the rarest words with the question, and says so where there is none.
///
/// It reads the last user message as character/ writes it, divided by empty lines: an instruction,
/// the passages, the question. Without passages it has nothing to quote.
class ExtractiveMind final : public LanguageModel {
public:
    Result<Completion> generate(const Prompt& prompt, const GenerationOptions& options,
                                const TextSink& on_text, std::stop_token stop) override;
    Result<void> prepare(const Prompt& /*prompt*/, std::stop_token /*stop*/) override { return {}; }
    Result<bool> fits(const Prompt& /*prompt*/, const GenerationOptions& /*options*/) override {
        return true;
    }

private:
    std::string answer(std::string_view turn);

    text::SentenceCutter sentences_;
    text::WordCutter words_;
};

}  // namespace titans::mind
