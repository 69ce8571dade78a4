#include "mind/template_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <format>
#include <fstream>
#include <minja/minja.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "foundation/units.h"

namespace titans::mind {
namespace {

using Json = nlohmann::ordered_json;

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { reset(); }
    int get() const { return number_; }
    void reset() {
        if (number_ >= 0) close(number_);
        number_ = -1;
    }

private:
    int number_;
};

Json to_json(const SampleConversation& conversation) {
    Json messages = Json::array();
    for (const Message& message : conversation.messages) {
        const char* role = message.role == Role::System ? "system"
                           : message.role == Role::User ? "user"
                                                        : "assistant";
        Json content = message.text;
        if (conversation.typed_content)
            content = Json::array({{{"type", "text"}, {"text", message.text}}});
        messages.push_back({{"role", role}, {"content", std::move(content)}});
    }
    return messages;
}

std::string render(const std::shared_ptr<minja::TemplateNode>& root, const TemplateProgram& program,
                   const SampleConversation& conversation) {
    const auto context = minja::Context::make(
        minja::Value(Json{{"messages", to_json(conversation)}, {"add_generation_prompt", true}}));
    context->set("bos_token", program.begin_token);
    context->set("eos_token", program.end_token);
    const auto strftime_now = [](const std::shared_ptr<minja::Context>&,
                                 minja::ArgumentsValue& arguments) {
        arguments.expectArgs("strftime_now", {1, 1}, {0, 0});
        const std::time_t now = std::time(nullptr);
        std::tm local{};
        localtime_r(&now, &local);
        std::string text(256, '\0');
        text.resize(std::strftime(text.data(), text.size(),
                                  arguments.args[0].get<std::string>().c_str(), &local));
        return minja::Value(text);
    };
    context->set("strftime_now", minja::Value::callable(strftime_now));
    return root->render(context);
}

/// The child's whole life. Writes a JSON array of strings and nulls to `out`.
[[noreturn]] void render_all(int out, const TemplateProgram& program,
                             std::span<const SampleConversation> conversations,
                             const TemplateLimits& limits, std::size_t memory_in_use) noexcept {
    try {
        const auto limit = [](auto resource, rlim_t most) {
            const rlimit value{.rlim_cur = most, .rlim_max = most};
            if (setrlimit(resource, &value) != 0) _exit(3);
        };
        limit(RLIMIT_AS, memory_in_use + limits.memory);
        limit(RLIMIT_CPU, static_cast<rlim_t>(limits.time.count() / 1000 + 1));
        limit(RLIMIT_CORE, 0);
        limit(RLIMIT_FSIZE, 0);
        // A stack that overflows is an ordinary end here, not an event for the handlers of the
        // process above.
        for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL})
            std::signal(signal, SIG_DFL);

        const auto root = minja::Parser::parse(
            program.source,
            {.trim_blocks = true, .lstrip_blocks = true, .keep_trailing_newline = false});
        Json rendered = Json::array();
        for (const SampleConversation& conversation : conversations) {
            try {
                rendered.push_back(render(root, program, conversation));
            } catch (const std::bad_alloc&) {
                throw;
            } catch (const std::exception&) {
                rendered.push_back(nullptr);
            }
        }
        const std::string bytes = rendered.dump(-1, ' ', false, Json::error_handler_t::replace);
        for (std::size_t done = 0; done < bytes.size();) {
            const ssize_t written = write(out, bytes.data() + done, bytes.size() - done);
            if (written < 0 && errno != EINTR) _exit(3);
            if (written > 0) done += static_cast<std::size_t>(written);
        }
    } catch (...) {
        _exit(2);
    }
    _exit(0);
}

/// Bytes of address space that this process has.
std::size_t memory_in_use() {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::unexpected<Error> refuse(std::string detail) {
    return fail(ErrorKind::Unsupported, "the model's chat template cannot be rendered",
                std::move(detail));
}

}  // namespace

Result<std::vector<std::optional<std::string>>> render_in_process(
    const TemplateProgram& program, std::span<const SampleConversation> conversations,
    const TemplateLimits& limits) {
    if (program.source.size() > limits.source) return refuse("it is too long");
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return refuse(std::strerror(errno));
    const Descriptor in(ends[0]);
    Descriptor out(ends[1]);
    const std::size_t in_use = memory_in_use();
    const pid_t child = fork();
    if (child < 0) return refuse(std::strerror(errno));
    if (child == 0) {
        // Keeps no client's connection open, and says nothing on standard error.
        const int null = open("/dev/null", O_RDWR);
        const int pipe = fcntl(out.get(), F_DUPFD, 3);
        if (null < 0 || pipe < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
            _exit(3);
        if (pipe > 3) close_range(3, static_cast<unsigned>(pipe - 1), 0);
        close_range(static_cast<unsigned>(pipe + 1), ~0U, 0);
        render_all(pipe, program, conversations, limits, in_use);
    }
    out.reset();

    std::string bytes;
    std::string problem;
    const auto deadline = Clock::now() + limits.time;
    while (true) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd waiting{.fd = in.get(), .events = POLLIN, .revents = 0};
        const int ready = left <= 0 ? 0 : poll(&waiting, 1, static_cast<int>(left));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) {
            problem = "it takes too long";
            break;
        }
        char piece[4096];
        const ssize_t size = read(in.get(), piece, sizeof(piece));
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        bytes.append(piece, static_cast<std::size_t>(size));
        if (bytes.size() > limits.output) {
            problem = "it writes too much";
            break;
        }
    }
    if (!problem.empty()) kill(child, SIGKILL);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!problem.empty()) return refuse(problem);
    if (WIFSIGNALED(status))
        return refuse(std::format("it was ended by signal {}", WTERMSIG(status)));
    if (status != 0) return refuse("it is no template, or needs too much memory");

    const Json rendered = Json::parse(bytes, nullptr, false);
    if (!rendered.is_array() || rendered.size() != conversations.size())
        return refuse("its process failed");
    std::vector<std::optional<std::string>> texts;
    for (const Json& text : rendered) {
        texts.push_back(text.is_string() ? std::optional(text.get<std::string>()) : std::nullopt);
    }
    return texts;
}

}  // namespace titans::mind
