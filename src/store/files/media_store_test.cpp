#include "store/files/media_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <latch>
#include <limits>
#include <thread>

#include "foundation/temporary_folder_for_test.h"

namespace titans::store {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::UnorderedElementsAre;
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

    std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(folder_.path()))
            names.push_back(entry.path().filename());
        return names;
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
    for (const std::string& name : {std::string("../../etc/passwd"),
                                    std::string("/etc/passwd"),
                                    std::string("notes.txt"),
                                    std::string(),
                                    std::string("."),
                                    digits,
                                    digits + ".wav",
                                    digits + ".wav/../x.wav",
                                    digits + ".WAV",
                                    digits + ".toolong",
                                    digits + ".",
                                    digits + ".wav.part",
                                    "-" + digits + ".wav",
                                    "07-" + digits + ".wav",
                                    "7--" + digits + ".wav",
                                    "x-" + digits + ".wav",
                                    "7-../" + digits + ".wav",
                                    "7-7-" + digits + ".wav",
                                    std::string(20, '9') + "-" + digits + ".wav",
                                    std::string(32, 'A') + ".wav",
                                    digits + std::string(".w\0v", 4)}) {
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

TEST_F(MediaStoreTest, SweepsWhatWasThereWhenItOpenedOrIsOldAndNothingElse) {
    const std::string used = std::string(32, '1') + ".wav";
    const std::string unused = std::string(32, '2') + ".wav";
    const std::string part = std::string(32, '3') + ".png.part";
    put(used, 48h);
    put(unused, 0h);
    put(part, 48h);
    put("somebody-elses.txt", 48h);
    const auto media = MediaStore::open(folder_.path());
    const std::string young = media->write(bytes_of("x"), "wav").value();
    put(std::string(32, '4') + ".png", 2h);
    ASSERT_TRUE(media->sweep({used}));
    EXPECT_THAT(names(), UnorderedElementsAre(used, young, "somebody-elses.txt"));
}

TEST_F(MediaStoreTest, SweepsWhatIsOfNoOwnerAndWhatIsHalfWritten) {
    const std::string kept = "7-" + std::string(32, '1') + ".wav";
    put(kept, 0h);
    put("8-" + std::string(32, '2') + ".wav", 0h);
    put("7-" + std::string(32, '3') + ".wav.part", 0h);
    put(std::string(32, '4') + ".wav", 0h);
    put("somebody-elses.txt", 48h);
    const auto media = MediaStore::open(folder_.path());
    const std::string young = media->write(bytes_of("x"), "wav", CharacterId{9}).value();
    ASSERT_TRUE(media->sweep(std::set{CharacterId{7}}));
    EXPECT_THAT(names(), UnorderedElementsAre(kept, young, "somebody-elses.txt"));
}

TEST_F(MediaStoreTest, TrimsByAge) {
    const std::string old = std::string(32, '1') + ".wav";
    const std::string newer = "7-" + std::string(32, '2') + ".wav";
    const std::string part = std::string(32, '3') + ".wav.part";
    put(old, 48h);
    put(newer, 2h);
    put(part, 48h);
    put("somebody-elses.txt", 48h);
    const auto media = MediaStore::open(folder_.path());
    ASSERT_TRUE(media->trim(24h, 1000));
    EXPECT_THAT(names(), UnorderedElementsAre(newer, "somebody-elses.txt"));
}

TEST_F(MediaStoreTest, TrimsTheOldestUntilTheRestFits) {
    const auto media = MediaStore::open(folder_.path());
    std::vector<std::string> files;
    for (int age = 1; age <= 4; ++age) {
        files.push_back(media->write(bytes_of("0123456789"), "wav").value());
        fs::last_write_time(folder_ / files.back(),
                            fs::file_time_type::clock::now() - std::chrono::hours(age));
    }
    put(std::string(32, '3') + ".wav.part", 1h);  // being written
    ASSERT_TRUE(media->trim(24h, 40));
    EXPECT_EQ(names().size(), 5U);
    ASSERT_TRUE(media->trim(24h, 39));
    EXPECT_EQ(names().size(), 4U);
    EXPECT_FALSE(fs::exists(folder_ / files[3]));
    ASSERT_TRUE(media->trim(24h, 10));
    EXPECT_THAT(names(), UnorderedElementsAre(files[0], std::string(32, '3') + ".wav.part"));
    ASSERT_TRUE(media->trim(24h, 0));
    EXPECT_EQ(names().size(), 1U);
}

TEST_F(MediaStoreTest, RemovesAllOfACharacterAndWritesNothingForItAnyMore) {
    const auto media = MediaStore::open(folder_.path());
    const std::string name = media->write(bytes_of("one"), "wav", {7}).value();
    EXPECT_THAT(name, MatchesRegex("7-[0-9a-f]+\\.wav"));
    EXPECT_EQ(name.size(), 38U);
    EXPECT_EQ(text_of(media->read(name)), "one");
    const std::string largest =
        media->write(bytes_of("two"), "wav", {std::numeric_limits<std::int64_t>::max()}).value();
    EXPECT_EQ(text_of(media->read(largest)), "two");
    const std::string other = media->write(bytes_of("three"), "wav", {77}).value();
    const std::string nobodys = media->write(bytes_of("four"), "wav").value();
    ASSERT_TRUE(media->remove_all_of({7}));
    EXPECT_THAT(names(), UnorderedElementsAre(largest, other, nobodys));
    EXPECT_EQ(media->write(bytes_of("late"), "wav", {7}).error().kind, ErrorKind::NotFound);
    EXPECT_EQ(names().size(), 3U);
    EXPECT_TRUE(media->write(bytes_of("five"), "wav", {77}));
    EXPECT_TRUE(media->remove_all_of({7}));
}

TEST_F(MediaStoreTest, LeavesNothingOfACharacterThatIsRemovedWhileItsTurnsWrite) {
    const auto media = MediaStore::open(folder_.path());
    std::latch started(4);
    std::vector<std::jthread> threads;
    std::atomic<int> refused = 0;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            ASSERT_TRUE(media->write(bytes_of("x"), "wav", {7}));
            started.count_down();
            while (media->write(bytes_of("x"), "wav", {7})) continue;
            ++refused;
        });
    }
    started.wait();
    ASSERT_TRUE(media->remove_all_of({7}));
    threads.clear();
    EXPECT_EQ(refused, 4);
    EXPECT_THAT(names(), IsEmpty());
}

TEST_F(MediaStoreTest, LeavesNothingOfAFileThatDoesNotFit) {
    const auto media = MediaStore::open(folder_.path());
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{.rlim_cur = 1000, .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto written = media->write(bytes_of(std::string(5000, 'x')), "wav", {7});
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    ::signal(SIGXFSZ, handler);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::Internal);
    EXPECT_EQ(written.error().message.find(folder_.path().string()), std::string::npos);
    EXPECT_THAT(names(), IsEmpty());
}

TEST_F(MediaStoreTest, SaysWhenItsFolderCannotBeMade) {
    std::ofstream(folder_ / "file") << "x";
    const auto media = MediaStore::open(folder_ / "file" / "files");
    ASSERT_FALSE(media);
    EXPECT_EQ(media.error().kind, ErrorKind::Internal);
    EXPECT_EQ(media.error().message.find(folder_.path().string()), std::string::npos);
}

TEST_F(MediaStoreTest, KeepsOneFileForEachKeyOfACharacter) {
    const auto media = MediaStore::open(folder_ / "files");
    ASSERT_TRUE(media);
    const auto first = media->keep(bytes_of("one"), "f5", {7}, "a key");
    const auto second = media->keep(bytes_of("two"), "f5", {7}, "a key");
    const auto other = media->keep(bytes_of("three"), "f5", {7}, "another");
    const auto others = media->keep(bytes_of("four"), "f5", {8}, "a key");
    ASSERT_TRUE(first && second && other && others);
    EXPECT_EQ(*first, *second);
    EXPECT_EQ(*first, MediaStore::name_of({7}, "a key", "f5"));
    EXPECT_EQ(text_of(media->read(*first)), "two");
    EXPECT_EQ(text_of(media->read(*other)), "three");
    EXPECT_EQ(text_of(media->read(*others)), "four");
    ASSERT_TRUE(media->remove_all_of({7}));
    EXPECT_FALSE(media->read(*first));
    EXPECT_FALSE(media->keep(bytes_of("five"), "f5", {7}, "a key"));
    EXPECT_TRUE(media->read(*others));
}

}  // namespace
}  // namespace titans::store
