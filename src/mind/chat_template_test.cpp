#include "mind/chat_template.h"

#include <gtest/gtest.h>

#include "foundation/units.h"
#include "mind/template_process.h"

namespace titans::mind {
namespace {

// The forms that the templates of well-known model families have, written anew.
constexpr const char* kChatMl =
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + "
    "'\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
constexpr const char* kChatMlWithDefaultSystem =
    "{%- if messages[0].role != 'system' -%}<|im_start|>system\nBe kind.<|im_end|>\n{% endif -%}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
constexpr const char* kSystemInsideTheFirstTurn =
    "{% if messages[0]['role'] == 'system' %}{% set s = '<<SYS>>\n' + messages[0]['content'] + "
    "'\n<</SYS>>\n\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set s = '' %}{% set rest = messages %}{% endif %}"
    "{% for m in rest %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must take turns') }}{% endif %}"
    "{% if loop.index0 == 0 %}{% set content = s + m['content'] %}{% else %}{% set content = "
    "m['content'] %}{% endif %}"
    "{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}";
constexpr const char* kHeaders =
    "{{ bos_token }}{% if strftime_now is defined %}{% set day = strftime_now('%Y') %}{% endif %}"
    "{% if messages[0]['role'] == 'system' %}{% set s = messages[0]['content'] | trim %}{% set "
    "messages = messages[1:] %}"
    "{% else %}{% set s = '' %}{% endif %}<|head|>system<|end_head|>\n\nYear {{ day }}\n\n{{ s "
    "}}<|eot|>"
    "{% for m in messages %}{{ '<|head|>' + m['role'] + '<|end_head|>\n\n' + m['content'] | trim + "
    "'<|eot|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|head|>assistant<|end_head|>\n\n' }}{% endif %}";
constexpr const char* kRefusesSystem =
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not "
    "supported') }}{% endif %}"
    "{% for m in messages %}{% set role = 'model' if m['role'] == 'assistant' else m['role'] %}"
    "<turn>{{ role }}\n{{ m['content'] | trim }}<end>\n{% endfor %}{% if add_generation_prompt "
    "%}<turn>model\n{% endif %}";
constexpr const char* kSystemInTheLastTurn =
    "{{ bos_token }}{% if messages[0].role == 'system' %}{% set s = messages[0].content %}{% set "
    "ms = messages[1:] %}"
    "{% else %}{% set ms = messages %}{% endif %}"
    "{% for m in ms %}{% if m.role == 'user' %}[INST]{% if loop.last and s is defined %}{{ s "
    "}}\n\n{% endif %}"
    "{{ m.content }}[/INST]{% else %}{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}";
constexpr const char* kTypedContent =
    "{% for m in messages %}<{{ m.role }}>{% for part in m.content %}{% if part.type == 'text' "
    "%}{{ part.text }}{% endif %}"
    "{% endfor %}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";
constexpr const char* kThinking =
    "{% for m in messages %}<{{ m.role }}>{{ m.content.split('</think>')[-1] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<assistant><think>\n{% endif %}";

std::string text_of(const Result<std::vector<engine::PromptPiece>>& pieces) {
    if (!pieces) return "refused: " + pieces.error().message;
    std::string text;
    for (const engine::PromptPiece& piece : *pieces) text += piece.text;
    return text;
}

ChatTemplate learned(const char* source) {
    auto result = ChatTemplate::learn(source, "<s>", "</s>");
    EXPECT_TRUE(result.has_value()) << result.error().message << ": " << result.error().detail;
    return result ? *std::move(result) : ChatTemplate::chatml();
}

const std::vector<Message> kConversation{{Role::System, "Be short."},
                                         {Role::User, "Hi."},
                                         {Role::Assistant, "Hello."},
                                         {Role::User, "Who are you?"}};

std::string render_directly(const char* source, const std::vector<Message>& messages,
                            bool typed = false) {
    const std::vector<SampleConversation> samples{{messages, typed}};
    const auto rendered = render_in_process({source, "<s>", "</s>"}, samples);
    return rendered && (*rendered)[0] ? *(*rendered)[0] : "failed";
}

TEST(ChatTemplate, WritesWhatTheTemplateItselfWrites) {
    for (const char* source :
         {kChatMl, kChatMlWithDefaultSystem, kSystemInsideTheFirstTurn, kHeaders, kThinking}) {
        const ChatTemplate learnt = learned(source);
        EXPECT_TRUE(learnt.takes_system());
        EXPECT_EQ(text_of(learnt.render(kConversation)), render_directly(source, kConversation));
        const std::vector<Message> without(kConversation.begin() + 1, kConversation.end());
        EXPECT_EQ(text_of(learnt.render(without)), render_directly(source, without));
        const std::vector<Message> one{{Role::User, "Hi."}};
        EXPECT_EQ(text_of(learnt.render(one)), render_directly(source, one));
    }
}

TEST(ChatTemplate, UnderstandsTemplatesThatTakeContentInParts) {
    EXPECT_EQ(text_of(learned(kTypedContent).render(kConversation)),
              render_directly(kTypedContent, kConversation, true));
}

TEST(ChatTemplate, PutsTheSystemMessageIntoTheFirstTurnWhereTheTemplateRefusesIt) {
    const std::vector<Message> merged{
        {Role::User, "Be short.\n\nHi."}, kConversation[2], kConversation[3]};
    for (const char* source : {kRefusesSystem, kSystemInTheLastTurn}) {
        const ChatTemplate learnt = learned(source);
        EXPECT_FALSE(learnt.takes_system());
        EXPECT_EQ(text_of(learnt.render(kConversation)), render_directly(source, merged));
    }
}

TEST(ChatTemplate, TellsTheTemplatesTextFromTheMessages) {
    const auto pieces = learned(kChatMl).render(std::vector<Message>{{Role::User, "<|im_end|>"}});
    ASSERT_TRUE(pieces);
    using enum engine::PromptPiece::Origin;
    ASSERT_EQ(pieces->size(), 3U);
    EXPECT_EQ((*pieces)[0].origin, Template);
    EXPECT_EQ((*pieces)[1].text, "<|im_end|>");
    EXPECT_EQ((*pieces)[1].origin, Content);
    EXPECT_EQ((*pieces)[2].origin, Template);
}

TEST(ChatTemplate, JoinsNeighboursOfOneRole) {
    const ChatTemplate chatml = ChatTemplate::chatml();
    EXPECT_EQ(
        text_of(chatml.render(std::vector<Message>{{Role::User, " a\n"}, {Role::User, "b "}})),
        "<|im_start|>user\na\n\nb<|im_end|>\n<|im_start|>assistant\n");
    EXPECT_EQ(
        text_of(chatml.render(std::vector<Message>{{Role::Assistant, "Hi."}, {Role::User, "b"}})),
        "<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\nHi.<|im_end|>\n<|im_start|>user\nb<|"
        "im_end|>\n"
        "<|im_start|>assistant\n");
}

TEST(ChatTemplate, RefusesConversationsThatNobodyHasToAnswer) {
    const ChatTemplate chatml = ChatTemplate::chatml();
    for (const std::vector<Message>& messages :
         {std::vector<Message>{},
          {{Role::System, "s"}},
          {{Role::User, "u"}, {Role::Assistant, "a"}},
          {{Role::User, "u"}, {Role::System, "s"}, {Role::User, "u"}}}) {
        const auto pieces = chatml.render(messages);
        ASSERT_FALSE(pieces);
        EXPECT_EQ(pieces.error().kind, ErrorKind::InvalidInput);
    }
}

TEST(ChatTemplate, RefusesTemplatesThatDoNotWriteEveryMessageOnceAndAlike) {
    for (const char* source :
         {"", "always the same",
          "{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}",
          "{% for m in messages | reverse %}<{{ m.content }}>{% endfor %}",
          "{% for m in messages %}{{ loop.index }}: {{ m.content }}{% endfor %}",
          "{{ messages[-1].content }}", "{{ raise_exception('never') }}"}) {
        const auto result = ChatTemplate::learn(source, "<s>", "</s>");
        ASSERT_FALSE(result) << source;
        EXPECT_EQ(result.error().kind, ErrorKind::Unsupported);
    }
}

std::string repeated(const std::string& text, int times) {
    std::string result;
    for (int i = 0; i < times; ++i) result += text;
    return result;
}

TEST(TemplateProcess, SurvivesHostileTemplates) {
    const std::vector<std::pair<const char*, std::string>> hostile{
        {"endless",
         "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}"},
        {"a range that fills memory", "{% for a in range(1000000000000) %}{% endfor %}"},
        {"doubling",
         "{% set ns = namespace(s='xxxxxxxx') %}{% for a in range(100) %}{% set ns.s = ns.s + ns.s "
         "%}{% endfor %}{{ ns.s }}"},
        {"much output", "{% for a in range(200000) %}0123456789{% endfor %}"},
        {"endless recursion", "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}"},
        {"deep parentheses", "{{ " + repeated("(", 100000) + "1" + repeated(")", 100000) + " }}"},
        {"deep lists", "{{ " + repeated("[", 100000) + repeated("]", 100000) + " }}"},
        {"deep blocks", repeated("{% if 1 %}", 20000) + repeated("{% endif %}", 20000)},
        {"a comment that overflows regular expressions", "{# " + repeated("x", 200000) + " #}"},
        {"unclosed", "{% for m in messages %}{{ m.content"},
        {"too long", repeated("x", 300000)},
        {"binary", std::string("\0\xff{{ '\xff' }}", 12)},
    };
    const std::vector<SampleConversation> samples{{{{Role::User, "Hi."}}}};
    const auto start = Clock::now();
    for (const auto& [name, source] : hostile) {
        const auto rendered = render_in_process(
            {source, "<s>", "</s>"}, samples,
            {.time = std::chrono::milliseconds(500), .memory = 64U << 20U, .output = 100'000});
        if (rendered) {
            EXPECT_TRUE(!(*rendered)[0] || (*rendered)[0]->size() <= 100'000) << name;
        } else {
            EXPECT_EQ(rendered.error().kind, ErrorKind::Unsupported) << name;
        }
    }
    EXPECT_LT(since(start), std::chrono::seconds(60));
}

TEST(TemplateProcess, EndsAnEndlessTemplateInTime) {
    const std::vector<SampleConversation> samples{{{{Role::User, "Hi."}}}};
    const auto start = Clock::now();
    const auto rendered =
        render_in_process({"{% for a in range(3000) %}{% for b in range(3000) %}{% for c in "
                           "range(3000) %}{% endfor %}{% endfor %}{% endfor %}",
                           "", ""},
                          samples, {.time = std::chrono::milliseconds(200)});
    ASSERT_FALSE(rendered);
    EXPECT_EQ(rendered.error().detail, "it takes too long");
    EXPECT_LT(since(start), std::chrono::seconds(10));
}

}  // namespace
}  // namespace titans::mind
