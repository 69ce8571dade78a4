#include "store/files/media_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "foundation/temporary_folder_for_test.h"

namespace titans::store {
namespace {

namespace fs = std::filesystem;
using ::testing::MatchesRegex;
using namespace std::chrono_literals;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

std::string text_of(const Result<std::vector<std::byte>>& bytes) {
    return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

class MediaStoreTest : public ::testing::Test {
protected:
    void put(const std::string& name, std::chrono::hours age) {
        std::ofstream(folder_ / name) << "x";
        fs::last_write_time(folder_ / name, fs::file_time_type::clock::now() - age);
    }

    TemporaryFolder folder_;
};

TEST_F(MediaStoreTest, ReadsBackWhatItWrote) {
    const auto media = MediaStore::open(folder_ / "files");
    ASSERT_TRUE(media);
    const std::string bytes(
        "RIFF\0\xFF"
        "data",
        10);
    const auto name = media->write(bytes_of(bytes), "wav");
    ASSERT_TRUE(name);
    EXPECT_THAT(*name, MatchesRegex("[0-9a-f]+\\.wav"));
    EXPECT_EQ(name->size(), 36U);
    EXPECT_EQ(text_of(media->read(*name)), bytes);
    EXPECT_NE(media->write(bytes_of(bytes), "wav"), *name);
    EXPECT_EQ(text_of(media->read(media->write({}, "png").value())), "");
}

TEST_F(MediaStoreTest, KeepsItsFilesFromOtherUsers) {
    const auto media = MediaStore::open(folder_ / "files");
    const auto path = media->path(media->write(bytes_of("x"), "png").value());
    struct stat status{};
    ASSERT_EQ(::stat(path->c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    ASSERT_EQ(::stat((folder_ / "files").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST_F(MediaStoreTest, FindsNothingButItsOwnNames) {
    const auto media = MediaStore::open(folder_.path());
    const std::string digits(32, 'a');
    fs::create_symlink("/etc/passwd", folder_ / (digits + ".wav"));
    std::ofstream(folder_ / "notes.txt") << "x";
    for (const std::string& name :
         {std::string("../../etc/passwd"), std::string("/etc/passwd"), std::string("notes.txt"),
          std::string(), std::string("."), digits, digits + ".wav", digits + ".wav/../x.wav",
          digits + ".WAV", digits + ".toolong", digits + ".", digits + ".wav.part",
          std::string(32, 'A') + ".wav", digits + std::string(".w\0v", 4)}) {
        const auto found = media->read(name);
        ASSERT_FALSE(found) << name;
        EXPECT_EQ(found.error().kind, ErrorKind::NotFound) << name;
    }
    EXPECT_FALSE(media->write(bytes_of("x"), "../x"));
    EXPECT_FALSE(media->write(bytes_of("x"), ""));
    EXPECT_FALSE(media->remove("../notes.txt"));
    EXPECT_TRUE(fs::exists(folder_ / "notes.txt"));
}

TEST_F(MediaStoreTest, RemovesAFileAndToleratesThatItIsGone) {
    const auto media = MediaStore::open(folder_.path());
    const std::string name = media->write(bytes_of("x"), "png").value();
    EXPECT_TRUE(media->remove(name));
    EXPECT_TRUE(media->remove(name));
    EXPECT_EQ(media->read(name).error().kind, ErrorKind::NotFound);
}

TEST_F(MediaStoreTest, SweepsOldLeftoversAndNothingElse) {
    const auto media = MediaStore::open(folder_.path());
    const std::string used = std::string(32, '1') + ".wav";
    const std::string unused = std::string(32, '2') + ".wav";
    const std::string part = std::string(32, '3') + ".png.part";
    put(used, 48h);
    put(unused, 48h);
    put(part, 48h);
    put("somebody-elses.txt", 48h);
    const std::string young = media->write(bytes_of("x"), "wav").value();
    ASSERT_TRUE(media->sweep({used}));
    EXPECT_TRUE(fs::exists(folder_ / used));
    EXPECT_TRUE(fs::exists(folder_ / young));
    EXPECT_TRUE(fs::exists(folder_ / "somebody-elses.txt"));
    EXPECT_FALSE(fs::exists(folder_ / unused));
    EXPECT_FALSE(fs::exists(folder_ / part));
}

TEST_F(MediaStoreTest, SweepsByAge) {
    const auto media = MediaStore::open(folder_.path());
    const std::string old = std::string(32, '1') + ".wav";
    const std::string newer = std::string(32, '2') + ".wav";
    put(old, 48h);
    put(newer, 2h);
    ASSERT_TRUE(media->sweep_older_than(24h));
    EXPECT_FALSE(fs::exists(folder_ / old));
    EXPECT_TRUE(fs::exists(folder_ / newer));
}

TEST_F(MediaStoreTest, SaysWhenItsFolderCannotBeMade) {
    std::ofstream(folder_ / "file") << "x";
    const auto media = MediaStore::open(folder_ / "file" / "files");
    ASSERT_FALSE(media);
    EXPECT_EQ(media.error().kind, ErrorKind::Internal);
    EXPECT_EQ(media.error().message.find(folder_.path().string()), std::string::npos);
}

}  // namespace
}  // namespace titans::store
