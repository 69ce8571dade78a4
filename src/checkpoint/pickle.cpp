#include "checkpoint/pickle.h"

#include <bit>
#include <cstring>

#include "checkpoint/pickle_program.h"
#include "checkpoint/pickle_stack.h"
#include "checkpoint/pickled_call.h"

namespace titans::checkpoint {
namespace {

constexpr std::uint8_t kLatestProtocol = 5;

/// The machine that a pickle is a program of (CPython, Lib/pickletools.py, describes it). Each
/// function knows a part of the instructions and hands the others on to the next.
class Unpickler {
public:
    explicit Unpickler(std::span<const std::byte> bytes) : program_(bytes) {}

    Result<Pickle> run() {
        while (!root_) {
            TITANS_TRY(const auto code, program_.read<std::uint8_t>());
            TITANS_TRY_VOID(step(code));
            if (stack_.is_too_large()) return bad_pickle("makes too many values");
        }
        return Pickle{
            .values = std::move(stack_).take_values(), .root = *root_, .length = program_.place()};
    }

private:
    Result<void> step(std::uint8_t code);
    Result<void> number(std::uint8_t code);
    Result<void> text(std::uint8_t code);
    Result<void> container(std::uint8_t code);
    Result<void> object(std::uint8_t code);
    Result<void> memory(std::uint8_t code);

    Result<void> call(PickleRef callable, PickleRef arguments) {
        return stack_.push(pickled_call(stack_.values(), callable, arguments));
    }

    PickleProgram program_;
    PickleStack stack_;
    std::optional<PickleRef> root_;  // once it has stopped
};

Result<void> Unpickler::step(std::uint8_t code) {
    switch (code) {
        case 0x80: {  // PROTO
            TITANS_TRY(const auto protocol, program_.read<std::uint8_t>());
            if (protocol > kLatestProtocol)
                return fail(ErrorKind::Unsupported, "its pickle is of a later protocol");
            return {};
        }
        case 0x95: {  // FRAME: so many bytes follow that belong together
            TITANS_TRY(const auto length, program_.read<std::uint64_t>());
            if (length > program_.rest().size())
                return bad_pickle("has a frame longer than itself");
            return {};
        }
        case '.': {  // STOP
            TITANS_TRY(root_, stack_.pop());
            return {};
        }
        case '(':  // MARK
            stack_.mark();
            return {};
        case '0':  // POP
            return stack_.discard();
        case '1':  // POP_MARK
            return stack_.pop_to_mark().transform([](const auto&) {});
        case '2': {  // DUP
            TITANS_TRY(const PickleRef value, stack_.top());
            return stack_.push_again(value);
        }
        default:
            return number(code);
    }
}

/// None, truth values and numbers.
Result<void> Unpickler::number(std::uint8_t code) {
    const auto integer = [&](auto read) -> Result<void> {
        if (!read) return std::unexpected(std::move(read).error());
        return stack_.push(static_cast<std::int64_t>(*read));
    };
    // Two's complement, low byte first. No size and no offset has more than 64 bits.
    const auto bytes_as_number = [&](Result<std::string_view> read) -> Result<void> {
        TITANS_TRY(const std::string_view bytes, std::move(read));
        if (bytes.size() > sizeof(std::int64_t))
            return stack_.push(PickledOpaque{{"", "a long number"}});
        const bool is_negative = !bytes.empty() && (bytes.back() & 0x80) != 0;
        std::int64_t value = is_negative ? -1 : 0;
        std::memcpy(&value, bytes.data(), bytes.size());
        return stack_.push(value);
    };
    switch (code) {
        case 'N':
            return stack_.push(std::monostate());
        case 0x88:
            return stack_.push(true);
        case 0x89:
            return stack_.push(false);
        case 'I': {  // INT, and what truth values were before protocol 2
            const std::string_view rest = program_.rest();
            if (rest.starts_with("00\n") || rest.starts_with("01\n")) {
                TITANS_TRY_VOID(program_.take(3));
                return stack_.push(rest[1] == '1');
            }
            return integer(program_.number_line<std::int64_t>());
        }
        case 'L':
            return integer(program_.number_line<std::int64_t>());
        case 'J':
            return integer(program_.read<std::int32_t>());
        case 'K':
            return integer(program_.read<std::uint8_t>());
        case 'M':
            return integer(program_.read<std::uint16_t>());
        case 0x8a:
            return bytes_as_number(program_.counted<std::uint8_t>());
        case 0x8b:
            return bytes_as_number(program_.counted<std::uint32_t>());
        case 'F': {
            TITANS_TRY(const auto value, program_.number_line<double>());
            return stack_.push(value);
        }
        case 'G': {  // high byte first
            TITANS_TRY(const auto bits, program_.read<std::uint64_t>());
            return stack_.push(std::bit_cast<double>(std::byteswap(bits)));
        }
        default:
            return text(code);
    }
}

Result<void> Unpickler::text(std::uint8_t code) {
    const auto string = [&](Result<std::string_view> read) -> Result<void> {
        TITANS_TRY(const std::string_view text, std::move(read));
        return stack_.push(text);
    };
    switch (code) {
        case 'S': {  // in quotes; escapes stay as they are
            TITANS_TRY(const std::string_view quoted, program_.line());
            const bool is_quoted = quoted.size() >= 2 && quoted.front() == quoted.back() &&
                                   (quoted.front() == '\'' || quoted.front() == '"');
            if (!is_quoted) return bad_pickle("has a text without quotes");
            return stack_.push(quoted.substr(1, quoted.size() - 2));
        }
        case 'V':
            return string(program_.line());
        case 'T':
        case 'X':
        case 'B':
            return string(program_.counted<std::uint32_t>());
        case 'U':
        case 'C':
        case 0x8c:
            return string(program_.counted<std::uint8_t>());
        case 0x8d:
        case 0x8e:
        case 0x96:
            return string(program_.counted<std::uint64_t>());
        case 0x97:  // NEXT_BUFFER: bytes that are not in the file
            return stack_.push(PickledOpaque{{"", "a buffer outside the file"}});
        case 0x98:  // READONLY_BUFFER
            return {};
        default:
            return container(code);
    }
}

Result<void> Unpickler::container(std::uint8_t code) {
    switch (code) {
        case ']':
        case ')':
        case 0x8f:  // EMPTY_SET
            return stack_.push(PickledSequence{});
        case '}':
            return stack_.push(PickledDict{});
        case 'l':
        case 't':
        case 0x91: {  // FROZENSET
            TITANS_TRY(auto items, stack_.pop_to_mark());
            return stack_.push(PickledSequence{.items = std::move(items)});
        }
        case 0x85:
            return stack_.tuple(1);
        case 0x86:
            return stack_.tuple(2);
        case 0x87:
            return stack_.tuple(3);
        case 'd': {
            TITANS_TRY(const auto items, stack_.pop_to_mark());
            TITANS_TRY_VOID(stack_.push(PickledDict{}));
            TITANS_TRY(const PickleRef dict, stack_.top());
            return stack_.set_items(dict, items);
        }
        case 'a': {
            TITANS_TRY(const PickleRef item, stack_.pop());
            TITANS_TRY(const PickleRef list, stack_.top());
            return stack_.append(list, {item});
        }
        case 'e':
        case 0x90: {  // APPENDS, ADDITEMS
            TITANS_TRY(const auto items, stack_.pop_to_mark());
            TITANS_TRY(const PickleRef list, stack_.top());
            return stack_.append(list, items);
        }
        case 's': {
            TITANS_TRY(const PickleRef value, stack_.pop());
            TITANS_TRY(const PickleRef key, stack_.pop());
            TITANS_TRY(const PickleRef dict, stack_.top());
            return stack_.set_items(dict, {key, value});
        }
        case 'u': {
            TITANS_TRY(const auto items, stack_.pop_to_mark());
            TITANS_TRY(const PickleRef dict, stack_.top());
            return stack_.set_items(dict, items);
        }
        default:
            return object(code);
    }
}

/// Whatever would run code in Python.
Result<void> Unpickler::object(std::uint8_t code) {
    switch (code) {
        case 'c': {
            TITANS_TRY(const std::string_view module, program_.line());
            TITANS_TRY(const std::string_view name, program_.line());
            return stack_.push(PickledGlobal{module, name});
        }
        case 0x93: {  // STACK_GLOBAL
            TITANS_TRY(const PickleRef name, stack_.pop());
            TITANS_TRY(const PickleRef module, stack_.pop());
            const auto* const name_text = stack_.get_if<std::string_view>(name);
            const auto* const module_text = stack_.get_if<std::string_view>(module);
            if (name_text == nullptr || module_text == nullptr)
                return bad_pickle("names a class by what is no text");
            return stack_.push(PickledGlobal{*module_text, *name_text});
        }
        case 'R':
        case 0x81: {  // REDUCE, NEWOBJ
            TITANS_TRY(const PickleRef arguments, stack_.pop());
            TITANS_TRY(const PickleRef callable, stack_.pop());
            return call(callable, arguments);
        }
        case 0x92: {  // NEWOBJ_EX
            TITANS_TRY_VOID(stack_.pop());
            TITANS_TRY(const PickleRef arguments, stack_.pop());
            TITANS_TRY(const PickleRef callable, stack_.pop());
            return call(callable, arguments);
        }
        case 'i': {  // INST
            TITANS_TRY(const std::string_view module, program_.line());
            TITANS_TRY(const std::string_view name, program_.line());
            TITANS_TRY_VOID(stack_.pop_to_mark());
            return stack_.push(PickledOpaque{{module, name}});
        }
        case 'o': {  // OBJ
            TITANS_TRY(const auto items, stack_.pop_to_mark());
            if (items.empty()) return bad_pickle("builds an object of no class");
            const auto* const of = stack_.get_if<PickledGlobal>(items[0]);
            return stack_.push(PickledOpaque{of != nullptr ? *of : PickledGlobal{"", "a value"}});
        }
        case 'b': {  // BUILD: a dictionary's attributes do not matter, and nothing else has any
            TITANS_TRY_VOID(stack_.pop());
            TITANS_TRY(const PickleRef target, stack_.top());
            PickleValue& value = stack_.value(target);
            if (!std::holds_alternative<PickledDict>(value) &&
                !std::holds_alternative<PickledOpaque>(value)) {
                value = PickledOpaque{{"", "a value with attributes"}};
            }
            return {};
        }
        case 0x82:
        case 0x83:
        case 0x84: {  // EXT1, EXT2, EXT4
            TITANS_TRY_VOID(program_.take(std::size_t{1} << (code - 0x82)));
            return stack_.push(PickledOpaque{{"", "an extension code"}});
        }
        case 'P': {
            TITANS_TRY_VOID(program_.line());
            return stack_.push(PickledOpaque{{"", "a persistent id"}});
        }
        case 'Q': {
            TITANS_TRY(const PickleRef id, stack_.pop());
            return stack_.push(pickled_storage(stack_.values(), id));
        }
        default:
            return memory(code);
    }
}

Result<void> Unpickler::memory(std::uint8_t code) {
    const auto remember = [&](const auto& index) -> Result<void> {
        if (!index) return std::unexpected(index.error());
        return stack_.remember(*index);
    };
    const auto recall = [&](const auto& index) -> Result<void> {
        if (!index) return std::unexpected(index.error());
        return stack_.recall(*index);
    };
    switch (code) {
        case 'p':
            return remember(program_.number_line<std::uint64_t>());
        case 'q':
            return remember(program_.read<std::uint8_t>());
        case 'r':
            return remember(program_.read<std::uint32_t>());
        case 0x94:  // MEMOIZE
            return stack_.remember_next();
        case 'g':
            return recall(program_.number_line<std::uint64_t>());
        case 'h':
            return recall(program_.read<std::uint8_t>());
        case 'j':
            return recall(program_.read<std::uint32_t>());
        default:
            return bad_pickle("has an instruction that there is not");
    }
}

}  // namespace

Result<Pickle> parse_pickle(std::span<const std::byte> bytes) { return Unpickler(bytes).run(); }

}  // namespace titans::checkpoint
