package dev.callboard.lookup;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PrefixTest {
    /** With the characters around which the two orders differ. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "a",
                "az",
                "a\u00ff",
                "\ud7ff",
                "\ue000",
                "\ufffe",
                "\uffff",
                "a\uffff",
                "\ud800\udc00",
                "\ud83c\udfad",
                "\udbff\udfff",
                "a\udbff\udfff\uffff",
                "a\udbff\udfff"
            })
    void endsBehindAllThatBeginWithIt(String prefix) {
        String[] texts = IntStream.of(0, 'a', 0xD7FF, 0xE000, 0xFFFE, 0xFFFF, 0x10000, 0x1F3AD, 0x10FFFF)
                .mapToObj(c -> prefix + Character.toString(c))
                .toArray(String[]::new);

        assertThat(texts).allSatisfy(text -> Prefix.end(prefix).ifPresent(end -> {
            assertThat(text).isLessThan(end);
            assertThat(Arrays.compareUnsigned(
                            text.getBytes(StandardCharsets.UTF_8), end.getBytes(StandardCharsets.UTF_8)))
                    .isNegative();
        }));
    }

    @Test
    void hasAnEndUnlessEveryCharacterIsTheLast() {
        assertThat(Prefix.end("ab")).contains("ac");
        assertThat(Prefix.end("a\uffff")).contains("b");
        assertThat(Prefix.end("\ud7ff")).contains("\ue000");
        assertThat(Prefix.end("\udbff\udfff\uffff")).isEmpty();
    }

    @Test
    void hasNoWildcardsButTheLast() {
        assertThat(Prefix.pattern("a_b%c!d\\e")).isEqualTo("a!_b!%c!!d\\e%");
    }
}
