// Which wording of the prompt makes a mind answer questions of fact from its passages?
//
// usage: prompt_quality MODEL.gguf QUESTIONS.json WORDINGS.json [temperature [rounds [name of one
// wording]]]
//
// Asks every question in every wording, with the passage that holds the answer and up to two others
// of the same text, and counts the answers that contain an expected word. With a temperature above
// 0 each is asked `rounds` times, with the seeds 1, 2, ...

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <format>
#include <fstream>
#include <nlohmann/json.hpp>
#include <print>
#include <string>
#include <vector>

#include "mind/llama/llama_mind.h"

namespace {

using titans::mind::GenerationOptions;
using titans::mind::LlamaMind;
using titans::mind::Prompt;
using titans::mind::Role;
using Json = nlohmann::json;

std::string replace(std::string text, const std::string& what, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
        text.replace(at, what.size(), by);
    return text;
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

/// The passages in the order in which retrieval gives them: mostly, but not always, the right one
/// first.
std::string passages(const Json& subject, std::size_t right, std::size_t question,
                     const Json& wording) {
    const Json& all = subject.at("passages");
    const std::size_t count = std::min<std::size_t>(wording.value("passages", 2), all.size());
    std::vector<std::size_t> chosen{right};
    for (std::size_t i = 1; i < count; ++i) chosen.push_back((right + i) % all.size());
    if (question % 3 == 2) std::ranges::rotate(chosen, chosen.begin() + 1);
    if (wording.value("order", "best first") == "best last") std::ranges::reverse(chosen);
    std::string text;
    for (const std::size_t i : chosen)
        text += (text.empty() ? "" : "\n\n") + all[i].get<std::string>();
    return text;
}

Prompt make_prompt(const Json& subject, const Json& wording, const std::string& found,
                   const std::string& question) {
    Prompt prompt;
    const std::string style = wording.value("style", "turns");
    std::string system = replace(wording.value("system", ""), "{name}", subject.at("name"));
    if (style == "text") {
        system += "\n\n";
        for (const Json& example : subject.at("style")) {
            system += std::format(
                "Someone: {}\n{}: {}\n", example.at("question").get<std::string>(),
                subject.at("name").get<std::string>(), example.at("response").get<std::string>());
        }
    }
    if (!system.empty()) prompt.messages.push_back({Role::System, system});
    if (style == "turns") {
        for (const Json& example : subject.at("style")) {
            prompt.messages.push_back({Role::User, example.at("question")});
            prompt.messages.push_back({Role::Assistant, example.at("response")});
        }
    }
    for (const Json& example : wording.value("examples", Json::array())) {
        prompt.messages.push_back({Role::User, example.at(0)});
        prompt.messages.push_back({Role::Assistant, example.at(1)});
    }
    prompt.fixed = prompt.messages.size();
    const std::string last =
        replace(replace(wording.at("last"), "{passages}", found), "{name}", subject.at("name"));
    prompt.messages.push_back({Role::User, replace(last, "{question}", question)});
    return prompt;
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 4) {
        std::println(stderr,
                     "usage: prompt_quality MODEL.gguf QUESTIONS.json WORDINGS.json [temperature "
                     "[rounds [wording]]]");
        return 2;
    }
    const float temperature = count > 4 ? std::strtof(arguments[4], nullptr) : 0;
    const int rounds = temperature > 0 && count > 5 ? std::atoi(arguments[5]) : 1;
    const std::string only = count > 6 ? arguments[6] : "";
    const bool print_answers = std::getenv("PRINT_ANSWERS") != nullptr;
    auto mind = LlamaMind::load(arguments[1], {.threads = 1});  // many may run side by side
    if (!mind) {
        std::println(stderr, "{}: {}", mind.error().message, mind.error().detail);
        return 1;
    }
    std::ifstream questions_file(arguments[2]);
    std::ifstream wordings_file(arguments[3]);
    const Json subjects = Json::parse(questions_file);
    const Json wordings = Json::parse(wordings_file);
    for (const Json& wording : wordings) {
        const std::string name = wording.at("name");
        if (!only.empty() && only != name) continue;
        int right = 0;
        int asked = 0;
        double words = 0;
        double prompt_tokens = 0;
        for (const Json& subject : subjects) {
            std::size_t number = 0;
            for (const Json& item : subject.at("questions")) {
                const std::string found = passages(subject, item.at("passage"), number++, wording);
                const std::string question = item.at("question");
                for (int round = 1; round <= rounds; ++round) {
                    GenerationOptions options{
                        .max_tokens = 28, .temperature = temperature, .seed = round};
                    options.top_p = wording.value("top_p", 0.9F);
                    options.min_p = wording.value("min_p", 0.05F);
                    options.top_k = wording.value("top_k", 40);
                    options.repeat_penalty = wording.value("repeat_penalty", 1.0F);
                    const auto answer = (*mind)->generate(
                        make_prompt(subject, wording, found, question), options, {}, {});
                    if (!answer) {
                        std::println(stderr, "{}", answer.error().message);
                        return 1;
                    }
                    const std::string text = lower(answer->text);
                    const bool correct =
                        std::ranges::any_of(item.at("answers"), [&](const Json& expected) {
                            return text.contains(lower(expected.get<std::string>()));
                        });
                    right += correct;
                    ++asked;
                    words += static_cast<double>(answer->completion_tokens);
                    prompt_tokens += answer->prompt_tokens;
                    if (print_answers)
                        std::println("{} {} | {}", correct ? "+" : "-", question,
                                     replace(answer->text, "\n", " / "));
                }
            }
        }
        std::println("{:32} {:3} of {:3} = {:4.1f} %  tokens: prompt {:.0f}, answer {:.0f}", name,
                     right, asked, 100.0 * right / asked, prompt_tokens / asked, words / asked);
        std::fflush(stdout);
    }
    return 0;
}
