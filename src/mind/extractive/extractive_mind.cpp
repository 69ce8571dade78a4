#include "mind/extractive/extractive_mind.h"

#include <cmath>
#include <format>
#include <map>
#include <set>
#include <span>

namespace titans::mind {
namespace {

constexpr std::string_view kNothingFound = "I find nothing about that in what I know.";

std::vector<std::string_view> blocks(std::string_view text) {
    constexpr std::string_view kEmptyLine = "\n\n";
    std::vector<std::string_view> result;
    while (!text.empty()) {
        const std::size_t end = text.find(kEmptyLine);
        if (end > 0) result.push_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + kEmptyLine.size());
    }
    return result;
}

}  // namespace

Result<Completion> ExtractiveMind::generate(const Prompt& prompt,
                                            const GenerationOptions& /*options*/,
                                            const TextSink& on_text, std::stop_token stop) {
    const auto start = Clock::now();
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "the answer was stopped");
    if (prompt.messages.empty() || prompt.messages.back().role != Role::User) {
        return fail(ErrorKind::InvalidInput, "messages: the last one must be the user's");
    }
    Completion completion;
    completion.text = answer(prompt.messages.back().text);
    completion.first_token = since(start);
    if (on_text) on_text(completion.text);
    return completion;
}

std::string ExtractiveMind::answer(std::string_view turn) {
    const std::vector<std::string_view> parts = blocks(turn);
    if (parts.size() < 3) return std::string(kNothingFound);
    struct Sentence {
        std::string_view text;
        std::set<std::string> words;
    };
    std::vector<Sentence> sentences;
    std::map<std::string, int> sentences_with;
    for (const std::string_view passage : std::span(parts).subspan(1, parts.size() - 2)) {
        for (const std::string_view sentence : sentences_.cut(passage)) {
            const std::vector<std::string> words = words_.cut(sentence);
            sentences.push_back({sentence, {words.begin(), words.end()}});
            for (const std::string& word : sentences.back().words) ++sentences_with[word];
        }
    }
    const std::vector<std::string> asked = words_.cut(parts.back());
    const std::set<std::string> question(asked.begin(), asked.end());
    const Sentence* best = nullptr;
    double best_score = 0;
    for (const Sentence& sentence : sentences) {
        double score = 0;
        for (const std::string& word : question) {
            if (!sentence.words.contains(word)) continue;
            score += std::log(static_cast<double>(sentences.size() + 1) / sentences_with[word]);
        }
        if (score > best_score) {
            best_score = score;
            best = &sentence;
        }
    }
    if (best == nullptr) return std::string(kNothingFound);
    return std::format("\u201C{}\u201D", best->text);
}

}  // namespace titans::mind
