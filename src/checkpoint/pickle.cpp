#include "checkpoint/pickle.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <format>
#include <map>

#include "checkpoint/pickled_call.h"

namespace titans::checkpoint {
namespace {

constexpr std::size_t kMost = 1 << 20;  // of values, of places on the stack, and of memories
constexpr std::uint8_t kLatestProtocol = 5;

std::unexpected<Error> bad(std::string_view why) {
    return fail(ErrorKind::InvalidInput, std::format("its pickle {}", why));
}

/// The machine that a pickle is a program of (CPython, Lib/pickletools.py, describes it).
class Unpickler {
public:
    explicit Unpickler(std::span<const std::byte> bytes)
        : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

    Result<Pickle> run() {
        while (!stopped_) {
            TITANS_TRY(const std::string_view code, take(1));
            TITANS_TRY_VOID(step(static_cast<unsigned char>(code[0])));
            if (pickle_.values.size() > kMost || stack_.size() > kMost || memory_.size() > kMost ||
                marks_.size() > kMost) {
                return bad("makes too many values");
            }
        }
        pickle_.length = place_;
        return std::move(pickle_);
    }

private:
    Result<void> step(unsigned char code);
    Result<void> number(unsigned char code);
    Result<void> text(unsigned char code);
    Result<void> container(unsigned char code);
    Result<void> object(unsigned char code);
    Result<void> memory(unsigned char code);

    // The program.

    Result<std::string_view> take(std::uint64_t count) {
        if (count > text_.size() - place_) return bad("ends in the middle of an instruction");
        const std::string_view taken = text_.substr(place_, count);
        place_ += count;
        return taken;
    }

    template <typename Number>
    Result<Number> read() {
        Number value{};
        TITANS_TRY(const std::string_view bytes, take(sizeof value));
        std::memcpy(&value, bytes.data(), sizeof value);
        return value;
    }

    /// What a length of type Length announces.
    template <typename Length>
    Result<std::string_view> counted() {
        TITANS_TRY(const Length length, read<Length>());
        return take(length);
    }

    Result<std::string_view> line() {
        const std::size_t end = text_.find('\n', place_);
        if (end == std::string_view::npos) return bad("has a line without an end");
        const std::string_view taken = text_.substr(place_, end - place_);
        place_ = end + 1;
        return taken;
    }

    template <typename Number>
    Result<Number> number_line() {
        TITANS_TRY(std::string_view digits, line());
        if (digits.ends_with('L')) digits.remove_suffix(1);
        Number value{};
        const char* const end = digits.data() + digits.size();
        const auto [rest, error] = std::from_chars(digits.data(), end, value);
        if (error != std::errc() || rest != end) return bad("has a number that is none");
        return value;
    }

    // The stack.

    Result<void> push(PickleValue value) {
        pickle_.values.push_back(std::move(value));
        stack_.push_back(static_cast<PickleRef>(pickle_.values.size() - 1));
        return {};
    }

    Result<PickleRef> pop() {
        if (stack_.empty() || (!marks_.empty() && marks_.back() == stack_.size()))
            return bad("takes a value that is not there");
        const PickleRef top = stack_.back();
        stack_.pop_back();
        return top;
    }

    /// Everything since the latest mark.
    Result<std::vector<PickleRef>> pop_to_mark() {
        if (marks_.empty()) return bad("has no mark where one is needed");
        std::vector<PickleRef> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()),
                                     stack_.end());
        stack_.resize(marks_.back());
        marks_.pop_back();
        return items;
    }

    Result<PickleRef> top() {
        TITANS_TRY(const PickleRef value, pop());
        stack_.push_back(value);
        return value;
    }

    /// Makes a tuple of the last `count` values.
    Result<void> tuple(int count) {
        PickledSequence sequence{.items = std::vector<PickleRef>(count)};
        for (int i = count - 1; i >= 0; --i) {
            TITANS_TRY(sequence.items[i], pop());
        }
        return push(std::move(sequence));
    }

    Result<void> append(PickleRef target, const std::vector<PickleRef>& items) {
        PickleValue& value = pickle_.values[target];
        if (auto* const sequence = std::get_if<PickledSequence>(&value)) {
            sequence->items.insert(sequence->items.end(), items.begin(), items.end());
            return {};
        }
        if (std::holds_alternative<PickledOpaque>(value)) return {};
        return bad("appends to what is no list");
    }

    Result<void> set_items(PickleRef target, const std::vector<PickleRef>& items) {
        if (items.size() % 2 != 0) return bad("has a key without a value");
        PickleValue& value = pickle_.values[target];
        if (auto* const dict = std::get_if<PickledDict>(&value)) {
            for (std::size_t i = 0; i < items.size(); i += 2)
                dict->entries.emplace_back(items[i], items[i + 1]);
            return {};
        }
        if (std::holds_alternative<PickledOpaque>(value)) return {};
        return bad("puts a key into what is no dictionary");
    }

    Result<void> call(PickleRef callable, PickleRef arguments) {
        return push(pickled_call(pickle_.values, callable, arguments));
    }

    Result<void> remember(std::uint64_t index) {
        TITANS_TRY(const PickleRef value, top());
        memory_[index] = value;
        return {};
    }

    Result<void> recall(std::uint64_t index) {
        const auto found = memory_.find(index);
        if (found == memory_.end()) return bad("recalls what it did not remember");
        stack_.push_back(found->second);
        return {};
    }

    std::string_view text_;
    std::size_t place_ = 0;
    bool stopped_ = false;
    Pickle pickle_;
    std::vector<PickleRef> stack_;
    std::vector<std::size_t> marks_;
    std::map<std::uint64_t, PickleRef> memory_;
};

Result<void> Unpickler::step(unsigned char code) {
    switch (code) {
        case 0x80: {  // PROTO
            TITANS_TRY(const auto protocol, read<std::uint8_t>());
            if (protocol > kLatestProtocol)
                return fail(ErrorKind::Unsupported, "its pickle is of a later protocol");
            return {};
        }
        case 0x95: {  // FRAME: so many bytes follow that belong together
            TITANS_TRY(const auto length, read<std::uint64_t>());
            if (length > text_.size() - place_) return bad("has a frame longer than itself");
            return {};
        }
        case '.': {  // STOP
            TITANS_TRY(pickle_.root, pop());
            stopped_ = true;
            return {};
        }
        case '(':  // MARK
            marks_.push_back(stack_.size());
            return {};
        case '0':  // POP: a value, or the mark
            if (!marks_.empty() && marks_.back() == stack_.size()) {
                marks_.pop_back();
                return {};
            }
            return pop().transform([](PickleRef) {});
        case '1':  // POP_MARK
            return pop_to_mark().transform([](const auto&) {});
        case '2': {  // DUP
            TITANS_TRY(const PickleRef value, top());
            stack_.push_back(value);
            return {};
        }
        default:
            return number(code);
    }
}

/// None, truth values and numbers.
Result<void> Unpickler::number(unsigned char code) {
    const auto integer = [&](auto read) -> Result<void> {
        if (!read) return std::unexpected(std::move(read).error());
        return push(static_cast<std::int64_t>(*read));
    };
    // Two's complement, low byte first. No size and no offset has more than 64 bits.
    const auto bytes_as_number = [&](Result<std::string_view> read) -> Result<void> {
        TITANS_TRY(const std::string_view bytes, std::move(read));
        if (bytes.size() > sizeof(std::int64_t)) return push(PickledOpaque{{"", "a long number"}});
        const bool is_negative = !bytes.empty() && (bytes.back() & 0x80) != 0;
        std::int64_t value = is_negative ? -1 : 0;
        std::memcpy(&value, bytes.data(), bytes.size());
        return push(value);
    };
    switch (code) {
        case 'N':
            return push(std::monostate());
        case 0x88:
            return push(true);
        case 0x89:
            return push(false);
        case 'I': {  // INT, and what truth values were before protocol 2
            const std::string_view rest = text_.substr(place_);
            if (rest.starts_with("00\n") || rest.starts_with("01\n")) {
                place_ += 3;
                return push(rest[1] == '1');
            }
            return integer(number_line<std::int64_t>());
        }
        case 'L':
            return integer(number_line<std::int64_t>());
        case 'J':
            return integer(read<std::int32_t>());
        case 'K':
            return integer(read<std::uint8_t>());
        case 'M':
            return integer(read<std::uint16_t>());
        case 0x8a:
            return bytes_as_number(counted<std::uint8_t>());
        case 0x8b:
            return bytes_as_number(counted<std::uint32_t>());
        case 'F': {
            TITANS_TRY(const auto value, number_line<double>());
            return push(value);
        }
        case 'G': {  // high byte first
            TITANS_TRY(const auto bits, read<std::uint64_t>());
            return push(std::bit_cast<double>(std::byteswap(bits)));
        }
        default:
            return text(code);
    }
}

Result<void> Unpickler::text(unsigned char code) {
    const auto string = [&](Result<std::string_view> read) -> Result<void> {
        TITANS_TRY(const std::string_view text, std::move(read));
        return push(text);
    };
    switch (code) {
        case 'S': {  // in quotes; escapes stay as they are
            TITANS_TRY(const std::string_view quoted, line());
            const bool is_quoted = quoted.size() >= 2 && quoted.front() == quoted.back() &&
                                   (quoted.front() == '\'' || quoted.front() == '"');
            if (!is_quoted) return bad("has a text without quotes");
            return push(quoted.substr(1, quoted.size() - 2));
        }
        case 'V':
            return string(line());
        case 'T':
        case 'X':
        case 'B':
            return string(counted<std::uint32_t>());
        case 'U':
        case 'C':
        case 0x8c:
            return string(counted<std::uint8_t>());
        case 0x8d:
        case 0x8e:
        case 0x96:
            return string(counted<std::uint64_t>());
        case 0x97:  // NEXT_BUFFER: bytes that are not in the file
            return push(PickledOpaque{{"", "a buffer outside the file"}});
        case 0x98:  // READONLY_BUFFER
            return {};
        default:
            return container(code);
    }
}

Result<void> Unpickler::container(unsigned char code) {
    switch (code) {
        case ']':
        case ')':
        case 0x8f:  // EMPTY_SET
            return push(PickledSequence{});
        case '}':
            return push(PickledDict{});
        case 'l':
        case 't':
        case 0x91: {  // FROZENSET
            TITANS_TRY(auto items, pop_to_mark());
            return push(PickledSequence{.items = std::move(items)});
        }
        case 0x85:
            return tuple(1);
        case 0x86:
            return tuple(2);
        case 0x87:
            return tuple(3);
        case 'd': {
            TITANS_TRY(const auto items, pop_to_mark());
            TITANS_TRY_VOID(push(PickledDict{}));
            return set_items(stack_.back(), items);
        }
        case 'a': {
            TITANS_TRY(const PickleRef item, pop());
            TITANS_TRY(const PickleRef list, top());
            return append(list, {item});
        }
        case 'e':
        case 0x90: {  // APPENDS, ADDITEMS
            TITANS_TRY(const auto items, pop_to_mark());
            TITANS_TRY(const PickleRef list, top());
            return append(list, items);
        }
        case 's': {
            TITANS_TRY(const PickleRef value, pop());
            TITANS_TRY(const PickleRef key, pop());
            TITANS_TRY(const PickleRef dict, top());
            return set_items(dict, {key, value});
        }
        case 'u': {
            TITANS_TRY(const auto items, pop_to_mark());
            TITANS_TRY(const PickleRef dict, top());
            return set_items(dict, items);
        }
        default:
            return object(code);
    }
}

/// Whatever would run code in Python.
Result<void> Unpickler::object(unsigned char code) {
    switch (code) {
        case 'c': {
            TITANS_TRY(const std::string_view module, line());
            TITANS_TRY(const std::string_view name, line());
            return push(PickledGlobal{module, name});
        }
        case 0x93: {  // STACK_GLOBAL
            TITANS_TRY(const PickleRef name, pop());
            TITANS_TRY(const PickleRef module, pop());
            const auto* const name_text = pickle_.get_if<std::string_view>(name);
            const auto* const module_text = pickle_.get_if<std::string_view>(module);
            if (name_text == nullptr || module_text == nullptr)
                return bad("names a class by what is no text");
            return push(PickledGlobal{*module_text, *name_text});
        }
        case 'R':
        case 0x81: {  // REDUCE, NEWOBJ
            TITANS_TRY(const PickleRef arguments, pop());
            TITANS_TRY(const PickleRef callable, pop());
            return call(callable, arguments);
        }
        case 0x92: {  // NEWOBJ_EX
            TITANS_TRY_VOID(pop());
            TITANS_TRY(const PickleRef arguments, pop());
            TITANS_TRY(const PickleRef callable, pop());
            return call(callable, arguments);
        }
        case 'i': {  // INST
            TITANS_TRY(const std::string_view module, line());
            TITANS_TRY(const std::string_view name, line());
            TITANS_TRY_VOID(pop_to_mark());
            return push(PickledOpaque{{module, name}});
        }
        case 'o': {  // OBJ
            TITANS_TRY(const auto items, pop_to_mark());
            if (items.empty()) return bad("builds an object of no class");
            const auto* const of = pickle_.get_if<PickledGlobal>(items[0]);
            return push(PickledOpaque{of != nullptr ? *of : PickledGlobal{"", "a value"}});
        }
        case 'b': {  // BUILD: a dictionary's attributes do not matter, and nothing else has any
            TITANS_TRY_VOID(pop());
            TITANS_TRY(const PickleRef target, top());
            PickleValue& value = pickle_.values[target];
            if (!std::holds_alternative<PickledDict>(value) &&
                !std::holds_alternative<PickledOpaque>(value)) {
                value = PickledOpaque{{"", "a value with attributes"}};
            }
            return {};
        }
        case 0x82:
        case 0x83:
        case 0x84: {  // EXT1, EXT2, EXT4
            TITANS_TRY_VOID(take(std::size_t{1} << (code - 0x82)));
            return push(PickledOpaque{{"", "an extension code"}});
        }
        case 'P': {
            TITANS_TRY_VOID(line());
            return push(PickledOpaque{{"", "a persistent id"}});
        }
        case 'Q': {
            TITANS_TRY(const PickleRef id, pop());
            return push(pickled_storage(pickle_.values, id));
        }
        default:
            return memory(code);
    }
}

Result<void> Unpickler::memory(unsigned char code) {
    const auto with = [&](auto index, auto action) -> Result<void> {
        if (!index) return std::unexpected(std::move(index).error());
        return (this->*action)(*index);
    };
    switch (code) {
        case 'p':
            return with(number_line<std::uint64_t>(), &Unpickler::remember);
        case 'q':
            return with(read<std::uint8_t>(), &Unpickler::remember);
        case 'r':
            return with(read<std::uint32_t>(), &Unpickler::remember);
        case 0x94:  // MEMOIZE
            return remember(memory_.size());
        case 'g':
            return with(number_line<std::uint64_t>(), &Unpickler::recall);
        case 'h':
            return with(read<std::uint8_t>(), &Unpickler::recall);
        case 'j':
            return with(read<std::uint32_t>(), &Unpickler::recall);
        default:
            return bad("has an instruction that there is not");
    }
}

}  // namespace

Result<Pickle> parse_pickle(std::span<const std::byte> bytes) { return Unpickler(bytes).run(); }

}  // namespace titans::checkpoint
