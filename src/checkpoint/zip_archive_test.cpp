#include "checkpoint/zip_archive.h"

#include <gmock/gmock.h>

#include "checkpoint/test_pytorch.h"

namespace titans::checkpoint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<test::ZippedFile> kFiles{{"a/one", "first"}, {"a/two", "second", true}};

// The places of fields in a record.
constexpr std::size_t kFlags = 8;
constexpr std::size_t kMethod = 10;
constexpr std::size_t kChecksum = 16;
constexpr std::size_t kPacked = 20;
constexpr std::size_t kSize = 24;
constexpr std::size_t kOffset = 42;
constexpr std::size_t kName = 46;

/// Where the `index`-th record of a kind begins: "PK\1\2" of the directory, "PK\3\4" of a file,
/// "PK\5\6" and "PK\6\6" of the ends.
std::size_t record(const std::string& archive, std::string_view signature, int index = 0) {
    std::size_t place = archive.find(signature);
    for (int i = 0; i < index; ++i) place = archive.find(signature, place + 1);
    return place;
}

template <typename Number>
void put(std::string& archive, std::size_t place, Number number) {
    archive.replace(place, sizeof number, test::raw(number));
}

std::string error_of(const std::string& bytes) {
    const auto archive = ZipArchive::parse(test::bytes_of(bytes));
    return archive ? "accepted" : archive.error().message;
}

/// Of reading all files.
std::string read_error(const std::string& bytes) {
    auto archive = ZipArchive::parse(test::bytes_of(bytes));
    if (!archive) return archive.error().message;
    std::vector<std::vector<std::byte>> inflated;
    for (const std::string_view name : archive->names()) {
        if (const auto file = archive->read(name, inflated); !file) return file.error().message;
    }
    return "read";
}

/// kFiles after `change`.
template <typename Change>
std::string changed(Change change, bool is_64 = false) {
    std::string archive = test::zip(kFiles, is_64);
    change(archive);
    return archive;
}

TEST(ZipArchive, ReadsStoredFilesInPlaceAndInflatesOthers) {
    for (const bool is_64 : {false, true}) {
        const std::string bytes = test::zip(kFiles, is_64);
        auto archive = ZipArchive::parse(test::bytes_of(bytes));
        ASSERT_TRUE(archive) << archive.error().message;
        EXPECT_THAT(archive->names(), ElementsAre("a/one", "a/two"));
        std::vector<std::vector<std::byte>> inflated;
        const auto one = archive->read("a/one", inflated);
        ASSERT_TRUE(one);
        EXPECT_EQ(reinterpret_cast<const char*>(one->data()), bytes.data() + bytes.find("first"));
        EXPECT_EQ(one->size(), 5);
        EXPECT_TRUE(inflated.empty());
        const auto two = archive->read("a/two", inflated);
        ASSERT_TRUE(two) << two.error().message;
        EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(two->data()), two->size()),
                  "second");
        EXPECT_EQ(inflated.size(), 1);
        EXPECT_FALSE(archive->read("a/three", inflated));
    }
}

TEST(ZipArchive, RefusesNamesOutsideItsFolder) {
    for (const std::string name :
         {"../x", "a/../../x", "/etc/x", "a\\x", "C:x", "", "./x", "a/.."}) {
        EXPECT_THAT(error_of(test::zip({{name, "x"}})), HasSubstr("outside its folder")) << name;
    }
    EXPECT_THAT(error_of(test::zip({{std::string("a\0x", 3), "x"}})),
                HasSubstr("outside its folder"));
    EXPECT_EQ(error_of(test::zip({{"a/..b/c..", "x"}})), "accepted");
}

TEST(ZipArchive, RefusesTwoFilesOfOneName) {
    EXPECT_THAT(error_of(test::zip({{"a", "1"}, {"a", "2"}})), HasSubstr("one name"));
}

// CVE-2025-1944: the file's own header named another one than the directory.
TEST(ZipArchive, RefusesAFileThatCallsItselfSomethingElse) {
    EXPECT_THAT(
        error_of(changed([](std::string& bytes) { bytes[record(bytes, "PK\3\4") + 30] = 'b'; })),
        HasSubstr("two things about a file"));
    EXPECT_THAT(error_of(changed([](std::string& bytes) {
                    put(bytes, record(bytes, "PK\3\4") + 8, std::uint16_t{8});
                })),
                HasSubstr("two things about a file"));
    EXPECT_THAT(error_of(changed([](std::string& bytes) {
                    put(bytes, record(bytes, "PK\3\4") + 22, std::uint32_t{4});
                })),
                HasSubstr("two things about a file"));
}

// CVE-2025-1945: flag bits that made scanners pass over a file that PyTorch read.
TEST(ZipArchive, RefusesEncryptedFiles) {
    for (const std::uint16_t flags : {0x0001, 0x0040, 0x2000}) {
        EXPECT_THAT(error_of(changed([&](std::string& bytes) {
                        put(bytes, record(bytes, "PK\1\2") + kFlags, flags);
                    })),
                    HasSubstr("encrypted"));
    }
    EXPECT_THAT(error_of(changed([](std::string& bytes) {
                    put(bytes, record(bytes, "PK\3\4") + 6, std::uint16_t{1});
                })),
                HasSubstr("two things about a file"));
}

// CVE-2025-10156: a wrong checksum ended the scanner and not PyTorch.
TEST(ZipArchive, NoticesDamagedFiles) {
    EXPECT_THAT(read_error(changed([](std::string& bytes) {
                    put(bytes, record(bytes, "PK\1\2", 1) + kChecksum, std::uint32_t{1});
                })),
                HasSubstr("damaged"));
    EXPECT_THAT(read_error(changed(
                    [](std::string& bytes) { bytes[record(bytes, "PK\3\4", 1) + 35] = '\xff'; })),
                HasSubstr("broken"));
}

TEST(ZipArchive, RefusesSizesThatAreNotTrue) {
    const auto with = [](std::size_t field, int index, std::uint32_t number) {
        return read_error(changed([&](std::string& bytes) {
            put(bytes, record(bytes, "PK\1\2", index) + field, number);
            // The file's own header leaves it open.
            put(bytes, record(bytes, "PK\3\4", index) + field - 2, ~std::uint32_t{0});
        }));
    };
    EXPECT_THAT(with(kSize, 0, 6), HasSubstr("two sizes"));
    EXPECT_THAT(with(kSize, 1, 5), HasSubstr("broken"));
    EXPECT_THAT(with(kSize, 1, 7), HasSubstr("broken"));
    EXPECT_THAT(with(kPacked, 1, 2), HasSubstr("broken"));
    EXPECT_THAT(with(kPacked, 1, 1 << 30), HasSubstr("outside itself"));
    EXPECT_THAT(with(kSize, 1, 1 << 30), HasSubstr("unreasonably large"));
}

TEST(ZipArchive, RefusesBombs) {
    // 70 MB of zeros in 70 kB, and the same of many files of which each is small enough.
    const std::string zeros(70 << 20, '\0');
    EXPECT_THAT(read_error(test::zip({{"a", zeros, true}})), HasSubstr("unreasonably large"));
    const std::string some(40 << 20, '\0');
    EXPECT_THAT(read_error(test::zip({{"a", some, true}, {"b", some, true}})),
                HasSubstr("unreasonably large"));
    EXPECT_EQ(read_error(test::zip({{"a", some, true}})), "read");
}

TEST(ZipArchive, RefusesFilesThatOverlap) {
    // A file that lies within another's bytes.
    const std::string inner = test::zip({{"b", "inside"}});
    const std::string file = inner.substr(0, inner.find("PK\1\2"));
    std::string bytes = test::zip({{"a", file}, {"b", "inside"}});
    put(bytes, record(bytes, "PK\1\2", 1) + kOffset,
        static_cast<std::uint32_t>(record(bytes, "PK\3\4", 1)));
    EXPECT_THAT(error_of(bytes), HasSubstr("overlap"));
}

TEST(ZipArchive, RefusesFilesInTheDirectory) {
    EXPECT_THAT(error_of(changed([](std::string& bytes) {
                    put(bytes, record(bytes, "PK\1\2") + kOffset,
                        static_cast<std::uint32_t>(record(bytes, "PK\1\2")));
                })),
                HasSubstr("outside itself"));
    EXPECT_THAT(error_of(changed([](std::string& bytes) {
                    put(bytes, record(bytes, "PK\1\2") + kOffset, std::uint32_t{0xFFFFFFF0});
                })),
                HasSubstr("outside itself"));
}

TEST(ZipArchive, RefusesADirectoryThatIsNotAtTheEnd) {
    const std::string bytes = test::zip(kFiles);
    EXPECT_THAT(error_of(""), HasSubstr("no end"));
    EXPECT_THAT(error_of("PK\3\4"), HasSubstr("no end"));
    EXPECT_THAT(error_of(bytes + "more"), HasSubstr("no end"));
    EXPECT_THAT(error_of(bytes.substr(0, bytes.size() - 1)), HasSubstr("no end"));
    EXPECT_THAT(error_of("before" + bytes), HasSubstr("elsewhere"));
    // Two ends: one in the comment of the other.
    std::string two = bytes;
    put(two, two.size() - 2, std::uint16_t{22});
    EXPECT_THAT(error_of(two + bytes.substr(bytes.size() - 22)), HasSubstr("or two"));
    EXPECT_THAT(error_of(changed([](std::string& archive) {
                    put(archive, record(archive, "PK\5\6") + 8, std::uint32_t{0x00030003});
                })),
                HasSubstr("fewer files"));
    EXPECT_THAT(error_of(changed([](std::string& archive) {
                    put(archive, record(archive, "PK\5\6") + 8, std::uint32_t{0x00010001});
                })),
                HasSubstr("more files"));
    EXPECT_THAT(error_of(changed([](std::string& archive) {
                    put(archive, record(archive, "PK\5\6") + 4, std::uint16_t{1});
                })),
                HasSubstr("disks"));
}

TEST(ZipArchive, RefusesSixtyFourBitLies) {
    const auto with = [](std::string_view signature, std::size_t field, std::uint64_t number) {
        return error_of(changed(
            [&](std::string& bytes) { put(bytes, record(bytes, signature) + field, number); },
            true));
    };
    EXPECT_THAT(with("PK\6\6", 48, 0), HasSubstr("two things about its directory"));
    EXPECT_THAT(with("PK\6\6", 40, ~std::uint64_t{0}), HasSubstr("two things about its directory"));
    EXPECT_THAT(with("PK\6\6", 32, 1), HasSubstr("disks"));
    EXPECT_THAT(with("PK\6\6", 4, 45), HasSubstr("64-bit end"));
    EXPECT_THAT(with("PK\6\7", 8, 0), HasSubstr("64-bit end"));
    // The sizes in the first entry's extra field, which follows its name.
    const std::size_t extra = kName + kFiles[0].name.size() + 4;
    EXPECT_THAT(with("PK\1\2", extra, ~std::uint64_t{0}), HasSubstr("two sizes"));
    EXPECT_THAT(with("PK\1\2", extra + 16, ~std::uint64_t{0}), HasSubstr("outside itself"));
    EXPECT_THAT(error_of(changed(
                    [&](std::string& bytes) {
                        put(bytes, record(bytes, "PK\1\2") + extra - 2, std::uint16_t{20});
                    },
                    true)),
                HasSubstr("lacks the 64-bit size"));
    EXPECT_THAT(error_of(changed(
                    [&](std::string& bytes) {
                        put(bytes, record(bytes, "PK\1\2") + extra - 2, std::uint16_t{0xFFFF});
                    },
                    true)),
                HasSubstr("extra field"));
}

TEST(ZipArchive, RefusesOtherMethods) {
    EXPECT_THAT(error_of(changed([](std::string& bytes) {
                    put(bytes, record(bytes, "PK\1\2") + kMethod, std::uint16_t{12});
                })),
                HasSubstr("method"));
}

}  // namespace
}  // namespace titans::checkpoint
