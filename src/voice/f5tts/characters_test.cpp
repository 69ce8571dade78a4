#include "voice/f5tts/characters.h"

#include <gtest/gtest.h>

namespace titans::voice::f5tts {
namespace {

struct Sample {
    std::string_view text;
    std::string_view tokens;  // joined
};

std::string joined(const Characters& characters, std::string_view text) {
    const auto tokens = characters.tokens(text);
    if (!tokens) return "error: " + tokens.error().message;
    std::string all;
    for (const std::string& token : *tokens) all += token;
    return all;
}

// The answers of f5-tts 1.1.22 with pypinyin 0.55.0 and rjieba 0.2.2.

TEST(Characters, AreThoseOfThePackageForTextOfManyScripts) {
    constexpr std::array kSamples{
        Sample{"Hi,there", "Hi, there"},
        Sample{"a-b word(other)", "a-b word( other)"},
        Sample{"你好world", " ni2 hao3 world"},
        Sample{"“Yes”; ‘no’", "\"Yes\", 'no'"},
        Sample{"v1.2-rc3 is 10.5% off", "v1.2-rc3 is 10.5% off"},
        Sample{"AT&T, C++ and c#", "AT&T, C++ and c#"},
        Sample{"He said:'wait' \"now\"", "He said:'wait' \"now\""},
        Sample{"café naïve Füße", "café naï ve Füße"},
        Sample{"x\r\ny", "x \r\ny"},
        Sample{"🎉 ok🎉ok", "🎉 ok🎉 ok"},
        Sample{"10,000 things", "10, 000 things"},
        Sample{"user_name@mail.example.com", "user_name@ mail.example.com"},
        Sample{"C++11 (2011)", "C++ 11 ( 2011)"},
        Sample{"---", "---"},
        Sample{"a+++b", "a +++b"},
        Sample{"Привет,мир", "Привет,мир"},
        Sample{"3.14.15%x", "3.14.15%x"},
        Sample{"东-west 4S店 IC卡", " dong1- west 4S dian4 IC ka3"},
        Sample{"我用U盘和VISA卡", " wo3 yong4U pan2 he2VISA ka3"},
        Sample{"〇一", "ling2 yi1"},
        Sample{"ㄅㄆ ひらがな", " ㄅ ㄆ ひらがな"},
        Sample{"不", " bu4"},
        Sample{"一", " yi1"},
        Sample{"A不B一C", "A bu4B yi1C"},
        Sample{"𠀀好", "𠀀 hao3"},
    };
    const Characters characters;
    for (const Sample& sample : kSamples) {
        EXPECT_EQ(joined(characters, sample.text), sample.tokens) << sample.text;
    }
}

TEST(Characters, AreThoseOfThePackageForChinese) {
    constexpr std::array kSamples{
        Sample{"今天上午，国务院召开常务会议，研究进一步扩大内需的措施。",
               " jin1 tian1 shang4 wu3， guo2 wu4 yuan4 zhao4 kai1 chang2 wu4 hui4 yi4， yan2 jiu1 "
               "jin4 yi2 bu4 kuo4 da4 nei4 xu1 de cuo4 shi1。"},
        Sample{"中国人民银行宣布，从下周一起下调存款准备金率零点五个百分点。",
               " zhong1 guo2 ren2 min2 yin2 hang2 xuan1 bu4， cong2 xia4 zhou1 yi4 qi3 xia4 tiao2 "
               "cun2 kuan3 zhun3 bei4 jin1 lv4 ling2 dian3 wu3 ge4 bai3 fen1 dian3。"},
        Sample{"他在音乐学院学了五年钢琴，现在是一名音乐老师。",
               " ta1 zai4 yin1 yue4 xue2 yuan4 xue2 le wu3 nian2 gang1 qin2， xian4 zai4 shi4 yi1 "
               "ming2 yin1 yue4 lao3 shi1。"},
        Sample{"这件事很重要，请你重复一遍，不要再忘了。",
               " zhe4 jian4 shi4 hen3 zhong4 yao4， qing3 ni3 chong2 fu4 yi1 bian4， bu2 yao4 zai4 "
               "wang4 le。"},
        Sample{"孩子长大了，长度也从五十厘米长到了一百二十厘米。",
               " hai2 zi zhang3 da4 le， chang2 du4 ye3 cong2 wu3 shi2 li2 mi3 zhang3 dao4 le yi4 "
               "bai3 er4 shi2 li2 mi3。"},
        Sample{"行人走在人行道上，银行门口排着一行人。",
               " xing2 ren2 zou3 zai4 ren2 xing2 dao4 shang4， yin2 hang2 men2 kou3 pai2 zhe yi4 "
               "xing2 ren2。"},
        Sample{"我还没有还他的书，还是明天还吧。",
               " wo3 hai2 mei2 you3 hai2 ta1 de shu1， hai2 shi4 ming2 tian1 hai2 ba。"},
        Sample{"你觉得他睡觉的时候会打呼噜吗？",
               " ni3 jue2 de ta1 shui4 jiao4 de shi2 hou4 hui4 da3 hu1 lu1 ma？"},
        Sample{"的确，这个目的地的的士很难打。",
               " di2 que4， zhe4 ge mu4 di4 di4 de di1 shi4 hen3 nan2 da3。"},
        Sample{"一不小心就摔了一跤，真是一个不幸的日子。",
               " yi2 bu4 xiao3 xin1 jiu4 shuai1 le yi1 jiao1， zhen1 shi4 yi2 ge4 bu2 xing4 de ri4 "
               "zi。"},
        Sample{"一天一夜，一年一度，一起一落，第一名是一班的同学。",
               " yi1 tian1 yi1 ye4， yi4 nian2 yi1 du4， yi4 qi3 yi1 luo4， di4 yi4 ming2 shi4 yi1 "
               "ban1 de tong2 xue2。"},
    };
    const Characters characters;
    for (const Sample& sample : kSamples) {
        EXPECT_EQ(joined(characters, sample.text), sample.tokens) << sample.text;
    }
}

TEST(Characters, KeepEachSyllableAndCodePointApart) {
    const Characters characters;
    const std::vector<std::string> expected{" ", "ni2", " ", "hao3", " ", "o", "k", "é"};
    EXPECT_EQ(characters.tokens("你好oké"), expected);
}

TEST(Characters, AreNoneOfNothing) {
    EXPECT_EQ(Characters().tokens(""), std::vector<std::string>());
}

TEST(Characters, ReadMalformedBytesAsReplacements) {
    EXPECT_EQ(joined(Characters(), "a\xFFz"), "a\uFFFDz");
}

TEST(Characters, NeedTheDataAboutChineseForIdeographsOnly) {
    const Characters characters({.dictionary = "/nowhere/words",
                                 .positions = "/nowhere/positions",
                                 .phrases = "/nowhere/phrases",
                                 .characters = "/nowhere/characters"});
    EXPECT_EQ(joined(characters, "C++ für alle 🎉 ひらがな 한국어"),
              "C++ für alle 🎉 ひらがな 한국어");
    const auto chinese = characters.tokens("你好");
    ASSERT_FALSE(chinese);
    EXPECT_EQ(chinese.error().kind, ErrorKind::Unsupported);
    EXPECT_FALSE(chinese.error().message.contains("/nowhere"));
    EXPECT_TRUE(chinese.error().detail.contains("/nowhere"));
}

}  // namespace
}  // namespace titans::voice::f5tts
