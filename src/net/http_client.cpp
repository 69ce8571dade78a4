#include "net/http_client.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <format>
#include <memory>
#include <optional>

#include "foundation/units.h"

namespace titans::net {
namespace {

// What an answer that is not a success may say.
constexpr std::uint64_t kMaxErrorBytes = std::uint64_t{1} << 20;

struct EasyDeleter {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
};
struct MultiDeleter {
    void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};
struct ListDeleter {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
struct MimeDeleter {
    void operator()(curl_mime* mime) const noexcept { curl_mime_free(mime); }
};
struct UrlDeleter {
    void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
using EasyHandle = std::unique_ptr<CURL, EasyDeleter>;
using MultiHandle = std::unique_ptr<CURLM, MultiDeleter>;
using ListHandle = std::unique_ptr<curl_slist, ListDeleter>;
using MimeHandle = std::unique_ptr<curl_mime, MimeDeleter>;

struct Origin {
    std::string scheme;
    std::string host;           // in lower case
    std::string port;           // with the scheme's own filled in
    std::string explicit_port;  // empty if the url names none
    bool operator==(const Origin& other) const {
        return scheme == other.scheme && host == other.host && port == other.port;
    }
    int port_number() const {
        int number = 0;
        std::from_chars(port.data(), port.data() + port.size(), number);
        return number;
    }
    std::string name() const {
        return explicit_port.empty() ? host : std::format("{}:{}", host, explicit_port);
    }
    bool is_loopback() const {
        return host == "localhost" || host == "[::1]" || host.starts_with("127.");
    }
};

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::optional<Origin> parse_origin(const std::string& url) {
    const std::unique_ptr<CURLU, UrlDeleter> parsed(curl_url());
    if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
    const auto part = [&](CURLUPart which, unsigned flags = 0) -> std::string {
        char* text = nullptr;
        if (curl_url_get(parsed.get(), which, &text, flags) != CURLUE_OK) return {};
        std::string copy(text);
        curl_free(text);
        return copy;
    };
    Origin origin{.scheme = part(CURLUPART_SCHEME),
                  .host = part(CURLUPART_HOST),
                  .port = part(CURLUPART_PORT, CURLU_DEFAULT_PORT),
                  .explicit_port = part(CURLUPART_PORT)};
    std::ranges::transform(origin.host, origin.host.begin(), to_lower);
    if (origin.scheme != "http" && origin.scheme != "https") return {};
    if (origin.host.empty() || !part(CURLUPART_USER).empty() || !part(CURLUPART_PASSWORD).empty())
        return {};
    return origin;
}

bool is_one_line(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

const char* method_name(Method method) {
    switch (method) {
        case Method::Get:
            return "GET";
        case Method::Post:
            return "POST";
        case Method::Put:
            return "PUT";
        case Method::Delete:
            return "DELETE";
    }
    return "GET";
}

Error transport_error(CURLcode code, const std::string& host, const char* words) {
    const auto error = [&](ErrorKind kind, std::string message) {
        return Error{kind, std::move(message), *words != '\0' ? words : curl_easy_strerror(code)};
    };
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return error(ErrorKind::Upstream, "the host " + host + " is not found");
        case CURLE_COULDNT_CONNECT:
            return error(ErrorKind::Upstream, "nothing answers at " + host);
        case CURLE_OPERATION_TIMEDOUT:
            return error(ErrorKind::Timeout, host + " did not answer in time");
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
            return error(ErrorKind::Upstream, "no trusted connection to " + host);
        case CURLE_OUT_OF_MEMORY:
            return error(ErrorKind::Internal, "out of memory");
        default:
            return error(ErrorKind::Upstream, "the connection to " + host + " broke");
    }
}

/// One request to one url: what curl's callbacks write to.
class Exchange {
public:
    Exchange(CURL* easy, const HttpRequest& request, BodySink* sink, const Origin& origin)
        : easy_(easy), request_(request), sink_(sink), origin_(origin) {}

    /// curl_opensocket_callback: curl asks for a socket to each address that it tries.
    static curl_socket_t open_socket(void* self, curlsocktype, curl_sockaddr* address) noexcept {
        return static_cast<Exchange*>(self)->open(*address);
    }

    /// curl_write_callback
    static std::size_t write(char* bytes, std::size_t size, std::size_t count,
                             void* self) noexcept {
        return static_cast<Exchange*>(self)->take({bytes, size * count}) ? size * count
                                                                         : CURL_WRITEFUNC_ERROR;
    }

    /// The host has addresses, and none that the policy allows.
    bool is_refused() const { return refused_ && !opened_; }

    /// Fills status and headers once they have come.
    void read_head() {
        if (response_.status != 0) return;
        long status = 0;
        curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
        response_.status = static_cast<int>(status);
        curl_header* header = nullptr;
        while ((header = curl_easy_nextheader(easy_, CURLH_HEADER, -1, header)) != nullptr) {
            std::string name(header->name);
            std::ranges::transform(name, name.begin(), to_lower);
            response_.headers.push_back({std::move(name), header->value});
        }
    }

    std::optional<Error>& error() { return error_; }
    HttpResponse& response() { return response_; }

private:
    curl_socket_t open(const curl_sockaddr& address) noexcept {
        std::string_view host = origin_.host;
        if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
        if (!request_.policy->allows(host, origin_.port_number(), address.addr)) {
            refused_ = true;
            return CURL_SOCKET_BAD;
        }
        opened_ = true;
        return ::socket(address.family, address.socktype | SOCK_CLOEXEC, address.protocol);
    }

    bool take(std::string_view bytes) noexcept {
        try {
            read_head();
            const bool success = response_.status / 100 == 2;
            const std::uint64_t limit = success
                                            ? request_.max_response_bytes
                                            : std::min(request_.max_response_bytes, kMaxErrorBytes);
            received_ += bytes.size();
            if (received_ > limit) {
                error_ = Error{
                    ErrorKind::TooLarge,
                    std::format("the answer of {} has more than {} bytes", origin_.name(), limit)};
            } else if (success && *sink_) {
                if (auto taken = (*sink_)(response_, bytes); !taken) error_ = taken.error();
            } else {
                response_.body.append(bytes);
            }
        } catch (const std::exception& exception) {
            error_ = Error{ErrorKind::Internal, "an answer could not be taken", exception.what()};
        }
        return !error_;
    }

    CURL* easy_;
    const HttpRequest& request_;
    BodySink* sink_;
    const Origin& origin_;
    bool refused_ = false;
    bool opened_ = false;
    std::uint64_t received_ = 0;
    HttpResponse response_;
    std::optional<Error> error_;
};

Result<ListHandle> make_headers(const HttpRequest& request, bool with_secrets) {
    ListHandle list;
    const auto add = [&](const std::string& line) {
        curl_slist* longer = curl_slist_append(list.get(), line.c_str());
        if (longer == nullptr) throw std::bad_alloc();
        if (!list) list.reset(longer);
    };
    for (const Header& header : request.headers) {
        if (!is_one_line(header.name) || !is_one_line(header.value))
            return fail(ErrorKind::InvalidInput, "a header of the request has a line break");
        // curl's spelling of a header without a value.
        add(header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
    }
    if (with_secrets && !request.bearer.empty()) {
        if (!is_one_line(request.bearer.reveal()))
            return fail(ErrorKind::InvalidInput, "the API key has a line break");
        add("Authorization: Bearer " + request.bearer.reveal());
    }
    // Else curl waits for a second before it sends a body to a server that does not know this.
    add("Expect:");
    return list;
}

Result<MimeHandle> make_form(CURL* easy, const std::vector<FormPart>& parts) {
    MimeHandle form(curl_mime_init(easy));
    for (const FormPart& part : parts) {
        curl_mimepart* mime = curl_mime_addpart(form.get());
        if (mime == nullptr) throw std::bad_alloc();
        curl_mime_name(mime, part.name.c_str());
        if (!part.content_type.empty()) curl_mime_type(mime, part.content_type.c_str());
        if (part.file.empty()) {
            curl_mime_data(mime, part.value.data(), part.value.size());
        } else if (curl_mime_filedata(mime, part.file.c_str()) != CURLE_OK) {
            return fail(ErrorKind::InvalidInput, "the file for " + part.name + " cannot be read");
        }
    }
    return form;
}

/// Performs what `easy` is set up for. Waits on curl's sockets, and `stop` wakes it.
Result<CURLcode> perform(CURLM* multi, CURL* easy, const std::stop_token& stop) {
    const std::stop_callback wake(stop, [multi]() noexcept { curl_multi_wakeup(multi); });
    if (curl_multi_add_handle(multi, easy) != CURLM_OK)
        return fail(ErrorKind::Internal, "a request could not be started");
    struct Removal {
        CURLM* multi;
        CURL* easy;
        ~Removal() { curl_multi_remove_handle(multi, easy); }
    } const removal{multi, easy};

    while (true) {
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "the request was cancelled");
        int running = 0;
        CURLMcode code = curl_multi_perform(multi, &running);
        if (code == CURLM_OK && running > 0)
            code = curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
        if (code != CURLM_OK)
            return fail(ErrorKind::Internal, "a request failed", curl_multi_strerror(code));
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
            if (message->msg == CURLMSG_DONE) return message->data.result;
        }
    }
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
    const auto found = std::ranges::find(headers, name, &Header::name);
    return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

std::string host_of(std::string_view url) {
    const auto origin = parse_origin(std::string(url));
    return origin ? origin->name() : std::string();
}

bool same_origin(std::string_view a, std::string_view b) {
    const auto first = parse_origin(std::string(a));
    return first && first == parse_origin(std::string(b));
}

HttpClient::HttpClient() {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (started != CURLE_OK) throw std::bad_alloc();  // its only documented failure
}

Result<HttpResponse> HttpClient::send(const HttpRequest& request, BodySink sink,
                                      const std::stop_token& stop) const {
    const Clock::time_point start = Clock::now();
    const auto first = parse_origin(request.url);
    if (!first)
        return fail(ErrorKind::InvalidInput,
                    "a url must begin with http:// or https:// and hold no password");

    const MultiHandle multi(curl_multi_init());
    const EasyHandle easy(curl_easy_init());
    if (!multi || !easy) throw std::bad_alloc();

    std::string url = request.url;
    for (int redirects = 0;; ++redirects) {
        const auto origin = parse_origin(url);
        if (!origin || (first->scheme == "https" && origin->scheme != "https"))
            return fail(ErrorKind::Upstream,
                        first->name() + " redirects to an address that is not allowed");
        TITANS_TRY(const ListHandle headers, make_headers(request, *origin == *first));
        std::array<char, CURL_ERROR_SIZE> words{};
        Exchange exchange(easy.get(), request, &sink, *origin);

        CURL* const handle = easy.get();
        curl_easy_reset(handle);
        curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
        curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
        curl_easy_setopt(handle, CURLOPT_USERAGENT, "titans");
        curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, words.data());
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &Exchange::write);
        curl_easy_setopt(handle, CURLOPT_WRITEDATA, &exchange);
        curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);  // does not wait for a slow resolver
        curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                         static_cast<long>(request.connect_timeout.count()));
        if (request.stall_timeout.count() > 0) {
            curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
            curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME,
                             static_cast<long>(request.stall_timeout.count()));
        }
        if (request.deadline.count() > 0) {
            const auto left = request.deadline -
                              std::chrono::duration_cast<std::chrono::milliseconds>(since(start));
            curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS,
                             std::max<long>(1, static_cast<long>(left.count())));
        }
        // A proxy that the environment names is not asked for this machine's own servers, and not
        // where addresses are judged: it would find them out itself.
        if (origin->is_loopback() || request.policy) curl_easy_setopt(handle, CURLOPT_PROXY, "");
        if (request.policy) {
            curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, &Exchange::open_socket);
            curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, &exchange);
        }

        MimeHandle form;
        if (!request.form.empty()) {
            TITANS_TRY(form, make_form(handle, request.form));
            curl_easy_setopt(handle, CURLOPT_MIMEPOST, form.get());
        } else if (!request.body.empty() || request.method == Method::Post ||
                   request.method == Method::Put) {
            curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
            curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                             static_cast<curl_off_t>(request.body.size()));
        }
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method_name(request.method));

        TITANS_TRY(const CURLcode code, perform(multi.get(), handle, stop));
        if (exchange.error()) return std::unexpected(*std::move(exchange.error()));
        if (code == CURLE_READ_ERROR)
            return fail(ErrorKind::InvalidInput, "a file of the form cannot be read", words.data());
        if (code != CURLE_OK && exchange.is_refused()) {
            if (redirects > 0)
                return fail(ErrorKind::Upstream,
                            first->name() + " redirects to an address that is not allowed");
            return fail(ErrorKind::Forbidden,
                        origin->name() + " leads to an address that is not allowed");
        }
        if (code != CURLE_OK)
            return std::unexpected(transport_error(code, origin->name(), words.data()));
        exchange.read_head();

        if (request.method != Method::Get || request.max_redirects == 0 ||
            !is_redirect(exchange.response().status))
            return std::move(exchange.response());
        char* next = nullptr;
        curl_easy_getinfo(handle, CURLINFO_REDIRECT_URL, &next);
        if (next == nullptr) return std::move(exchange.response());
        if (redirects == request.max_redirects)
            return fail(ErrorKind::Upstream, first->name() + " redirects too often");
        url = next;
    }
}

}  // namespace titans::net
