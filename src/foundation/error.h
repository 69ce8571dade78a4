#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace titans {

/// What went wrong, as far as callers must tell it apart. api/status.cpp maps each to an HTTP
/// status.
enum class ErrorKind : std::uint8_t {
    InvalidInput,
    NothingHeard,
    Unauthorized,
    Forbidden,
    NotFound,
    Conflict,
    TooLarge,
    Unsupported,
    Busy,
    Timeout,
    Cancelled,
    Upstream,
    Internal,
};

std::string_view to_string(ErrorKind kind);

struct Error {
    ErrorKind kind;
    std::string message;  // sent to the client: names the field or model; never a path or a secret
    std::string detail = {};  // logged only: errno, the library's own words
};

template <typename T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorKind kind, std::string message, std::string detail = {}) {
    return std::unexpected(Error{kind, std::move(message), std::move(detail)});
}

}  // namespace titans

#define TITANS_CONCAT_INNER(a, b) a##b
#define TITANS_CONCAT(a, b) TITANS_CONCAT_INNER(a, b)

/// TITANS_TRY(auto audio, decode(bytes)); declares `audio`, or returns the error of decode(bytes).
#define TITANS_TRY(declaration, expression) \
    TITANS_TRY_WITH(return, TITANS_CONCAT(titans_result_, __LINE__), declaration, expression)

/// The same inside a coroutine.
#define TITANS_CO_TRY(declaration, expression) \
    TITANS_TRY_WITH(co_return, TITANS_CONCAT(titans_result_, __LINE__), declaration, expression)

#define TITANS_TRY_WITH(leave, result, declaration, expression)    \
    auto result = (expression);                                    \
    if (!result) leave std::unexpected(std::move(result).error()); \
    declaration = *std::move(result)

/// For a Result<void>: returns its error, if it is one.
#define TITANS_TRY_VOID(expression)                        \
    if (auto titans_result = (expression); !titans_result) \
    return std::unexpected(std::move(titans_result).error())

#define TITANS_CO_TRY_VOID(expression)                     \
    if (auto titans_result = (expression); !titans_result) \
    co_return std::unexpected(std::move(titans_result).error())
