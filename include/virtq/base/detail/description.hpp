// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>

/// What every `describe` returns; `virtq/base/error.hpp` explains the choice.
#ifndef VIRTQ_SENTENCES
#define VIRTQ_SENTENCES sentences
#endif

namespace virtq::detail {

/// What `describe` returns.
enum class Wording : unsigned char { sentences = 1, names, numbers };

/// The choice of this build. The compiler stops here if VIRTQ_SENTENCES is none of the three.
inline constexpr Wording chosen_wording = Wording::VIRTQ_SENTENCES;

/// Whether a kernel leaves out what describes errors that none of its code returns (`ErrorGroup`). Hosted programs have
/// all descriptions, because they may describe any number. Position-independent code has them, because the pointers would
/// need relocations.
#if defined(__ELF__) && !__STDC_HOSTED__ && !defined(__PIC__) && !defined(__PIE__)
inline constexpr bool has_groups_apart = chosen_wording != Wording::numbers;
#else
inline constexpr bool has_groups_apart = false;
#endif

/// Lets no two files with different choices link. Each file that describes something defines this symbol, and a linker
/// accepts many definitions of an absolute symbol if all have the same value. With -flto the files become one, and a
/// difference may stay unseen. Inside a function, because Clang's linker would otherwise reject equal values with -flto.
constexpr void require_same_wording() {
#ifdef __ELF__
    if (!__builtin_is_constant_evaluated()) {
        __asm__(
            ".globl VIRTQ_SENTENCES_differs_between_files\n"
            ".hidden VIRTQ_SENTENCES_differs_between_files\n"
            ".set VIRTQ_SENTENCES_differs_between_files, %c0"
            :
            : "i"(static_cast<int>(chosen_wording)));
    }
#endif
}

/// Writes texts one after another, each with its NUL, or only counts the bytes.
struct TextJoiner {
    char* to;
    bool writes;  // not `to != nullptr`: g++ refuses that as a constant with -fno-delete-null-pointer-checks
    size_t bytes = 0;

    constexpr void add(char const* text) { add(text, __builtin_strlen(text)); }
    constexpr void add(char const* text, size_t length) {
        for (size_t i = 0; writes && i < length; ++i) {
            to[bytes + i] = text[i];
        }
        bytes += length + 1;
    }
};

/// Not defined. Its type is the enumeration that a function has sentences for.
template <class Value>
Value described_by(char const* (*sentence)(Value));

/// What `sentence` returns for the value with this number.
template <auto sentence>
constexpr char const* sentence_at(unsigned number) {
    return sentence(static_cast<decltype(described_by(sentence))>(number));
}

/// One above the last value that has a sentence.
template <auto sentence>
constexpr unsigned count_values() {
    unsigned count = 256;
    while (sentence_at<sentence>(count - 1) == nullptr) {
        --count;
    }
    return count;
}
template <auto sentence>
inline constexpr unsigned value_count = count_values<sentence>();

/// The first value that has a sentence which is not empty: a text begins with it.
template <auto sentence>
constexpr unsigned find_first_value() {
    unsigned number = 0;
    while (sentence_at<sentence>(number) != nullptr && *sentence_at<sentence>(number) == '\0') {
        ++number;
    }
    return number;
}
template <auto sentence>
inline constexpr unsigned first_value = find_first_value<sentence>();

/// Whether another text has the description of this value.
template <auto sentence>
constexpr bool is_elsewhere(unsigned number) {
    return sentence_at<sentence>(number) != nullptr && *sentence_at<sentence>(number) == '\0';
}

/// A text in which the compiler names the value: `… = virtq::Error::queue_full]`.
template <auto value>
constexpr char const* signature_with() {
    return __PRETTY_FUNCTION__;
}

/// An enumerator as the compiler names it. Empty for a value without one: then the compiler writes `(Type)4`.
struct EnumeratorName {
    char const* first = nullptr;
    size_t length = 0;
};
template <auto value>
constexpr EnumeratorName enumerator_name() {
    char const* name = signature_with<value>();
    for (char const* at = name; *at != '\0'; ++at) {
        name = *at == ':' ? at + 1 : name;
    }
    size_t length = 0;
    while (name[length] != ']' && name[length] != ';') {
        if (name[length] == ')') {
            return {};
        }
        ++length;
    }
    return {name, length};
}

/// The names of the values from `number` on.
template <auto sentence, unsigned number = first_value<sentence>>
constexpr void add_names(TextJoiner& joiner) {
    if constexpr (number < value_count<sentence>) {
        constexpr EnumeratorName name = enumerator_name<static_cast<decltype(described_by(sentence))>(number)>();
        if constexpr (is_elsewhere<sentence>(number)) {
            joiner.add("");
        } else if constexpr (name.length != 0) {
            joiner.add(name.first, name.length);
        } else {
            joiner.add("unknown");  // no value has this number
        }
        add_names<sentence, number + 1>(joiner);
    } else {
        joiner.add("unknown");
    }
}

template <auto sentence>
constexpr void add_sentences(TextJoiner& joiner) {
    constexpr char const* unknown = "Unknown.";
    for (unsigned number = first_value<sentence>; number < value_count<sentence>; ++number) {
        char const* const known = sentence_at<sentence>(number);
        joiner.add(known == nullptr ? unknown : known);
    }
    joiner.add(unknown);
}

template <auto sentence>
constexpr void add_numbers(TextJoiner& joiner, char letter) {
    for (unsigned number = first_value<sentence>; number < value_count<sentence>; ++number) {
        if (is_elsewhere<sentence>(number)) {
            joiner.add("");
            continue;
        }
        char text[4] = {letter};
        size_t length = 1;
        for (unsigned unit = number < 10 ? 1 : number < 100 ? 10 : 100; unit != 0; unit /= 10) {
            text[length++] = static_cast<char>('0' + number / unit % 10);
        }
        joiner.add(text, length);
    }
    char const unknown[] = {letter, '?'};
    joiner.add(unknown, 2);
}

template <auto sentence, char letter, Wording wording>
constexpr size_t join_descriptions(TextJoiner joiner) {
    if constexpr (wording == Wording::sentences) {
        add_sentences<sentence>(joiner);
    } else if constexpr (wording == Wording::names) {
        add_names<sentence>(joiner);
    } else {
        add_numbers<sentence>(joiner, letter);
    }
    return joiner.bytes;
}

/// The descriptions of all values from `first_value` on, and of an unknown one, in one text. A table of pointers would be
/// larger, and a kernel that moves would have to relocate it.
template <auto sentence, char letter, Wording wording>
struct Descriptions {
    char text[join_descriptions<sentence, letter, wording>({nullptr, false})]{};

    constexpr Descriptions() { static_cast<void>(join_descriptions<sentence, letter, wording>({text, true})); }
};

template <auto sentence, char letter, Wording wording>
inline constexpr Descriptions<sentence, letter, wording> descriptions{};

/// Loads a pointer from memory even if the compiler knows its value. GCC would address a weak symbol relative to the code
/// on riscv64, which lld cannot link in a kernel at 0x80200000.
template <class T>
[[__nodiscard__]] inline T const* read_pointer(T const* const* at) {
    __asm__("" : "+r"(at));
    return *at;
}

/// The text with this number among texts that follow one another.
[[__nodiscard__]] constexpr char const* find_text(char const* texts, unsigned number) {
    for (; number != 0; ++texts) {
        if (*texts == '\0') {
            --number;
        }
    }
    return texts;
}

/// The description of a value in a text of `Descriptions<sentence, …>`. Empty if it is elsewhere.
template <auto sentence>
[[__nodiscard__]] constexpr char const* find_description(char const* texts, decltype(described_by(sentence)) value) {
    constexpr unsigned first = first_value<sentence>;
    constexpr unsigned count = value_count<sentence> - first;
    unsigned const number = static_cast<unsigned>(value) - first;
    return find_text(texts, number < count ? number : count);
}

/// The description of a value of an enumeration. `sentence` is a function that returns the sentence of a value, null for
/// a number without one, empty for one whose description is elsewhere. `letter` stands before the numbers.
template <auto sentence, char letter, Wording wording = chosen_wording>
[[__nodiscard__]] constexpr char const* description_of(decltype(described_by(sentence)) value) {
    require_same_wording();
    return find_description<sentence>(descriptions<sentence, letter, wording>.text, value);
}

}  // namespace virtq::detail
