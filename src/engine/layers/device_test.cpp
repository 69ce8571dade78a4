#include "engine/layers/device.h"

#include <gtest/gtest.h>

#include <vector>

namespace titans::engine {
namespace {

ComputeDevice card(const char* description, const char* place, bool shares_memory = false) {
    return {.backend = "Vulkan",
            .description = description,
            .gpu = true,
            .shares_memory = shares_memory,
            .place = place};
}

std::vector<std::string> descriptions(const std::vector<ComputeDevice>& devices) {
    std::vector<std::string> descriptions;
    for (const ComputeDevice& device : devices) descriptions.push_back(device.description);
    return descriptions;
}

using Names = std::vector<std::string>;

const ComputeDevice kProcessor{.backend = "CPU", .description = "processor"};

TEST(NumberGpus, LeavesOutWhatIsNoGpu) {
    EXPECT_EQ(number_gpus(std::vector{kProcessor}).size(), 0);
    EXPECT_EQ(descriptions(number_gpus(std::vector{kProcessor, card("a", ""), card("b", "")})),
              (Names{"a", "b"}));
}

TEST(NumberGpus, CountsACardOnceThatTwoBackendsKnow) {
    EXPECT_EQ(descriptions(number_gpus(std::vector{card("a by CUDA", "0000:01:00.0"),
                                                   card("a by Vulkan", "0000:01:00.0"),
                                                   card("b", "0000:02:00.0")})),
              (Names{"a by CUDA", "b"}));
}

TEST(NumberGpus, BeginsWithThoseThatHaveMemoryOfTheirOwn) {
    EXPECT_EQ(descriptions(number_gpus(
                  std::vector{card("in the processor", "", true), card("a", ""), card("b", "")})),
              (Names{"a", "b", "in the processor"}));
}

TEST(ChooseGpu, TakesTheFirstWhereItMay) {
    const std::vector both{card("a", ""), card("in the processor", "", true)};
    EXPECT_EQ(choose_gpu(both, UseGpus::WithMemoryOfTheirOwn), 0);
    EXPECT_EQ(choose_gpu(both, UseGpus::Never), std::nullopt);
    EXPECT_EQ(choose_gpu({}, UseGpus::Any), std::nullopt);
}

TEST(ChooseGpu, TakesOneWithoutMemoryOfItsOwnOnlyWhereThatIsAsked) {
    const std::vector one{card("in the processor", "", true)};
    EXPECT_EQ(choose_gpu(one, UseGpus::WithMemoryOfTheirOwn), std::nullopt);
    EXPECT_EQ(choose_gpu(one, UseGpus::Any), 0);
}

TEST(DevicesTest, UseTheProcessorWhereNoGpuMayBeUsed) {
    auto devices = Devices::open({.threads = 1, .gpus = UseGpus::Never});
    ASSERT_TRUE(devices) << devices.error().message;
    EXPECT_EQ(devices->gpus(), 0);
    EXPECT_EQ(devices->usual().device, devices->processor().device);
    EXPECT_EQ(devices->processor().device->name(), "cpu");
    EXPECT_EQ(devices->processor().device->free_memory(), std::nullopt);
    const auto gpu = devices->gpu(0);
    ASSERT_FALSE(gpu);
    EXPECT_EQ(gpu.error().kind, ErrorKind::Unsupported);
}

TEST(DeviceTest, RefusesAGpuThatIsNotThere) {
    for (const int number : {-1, 1000}) {
        const auto device = Device::open({.gpu = number});
        ASSERT_FALSE(device);
        EXPECT_EQ(device.error().kind, ErrorKind::Unsupported);
    }
}

}  // namespace
}  // namespace titans::engine
