package dev.callboard.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How much memory is reserved for the bodies that are read at a time. */
final class BodyMemoryTest {
    private static final int MEGABYTE = 1024 * 1024;

    @ParameterizedTest(name = "a heap of {0} MB")
    @CsvSource({"0, 1", "1, 1", "8, 1", "32, 4", "160, 20", "100000, 2047"})
    void reservesAnEighthOfTheHeapButNeverLessThanOneBody(long heapMegabytes, int bodies) {
        AdmissionControl.BodyMemory memory = new AdmissionControl.BodyMemory(heapMegabytes * MEGABYTE, MEGABYTE);
        for (int i = 0; i < bodies; i++) {
            assertThat(memory.reserve(MEGABYTE)).isTrue();
        }
        assertThat(memory.reserve(MEGABYTE)).isFalse();
    }

    @Test
    void reservesReleasedMemoryAgain() {
        AdmissionControl.BodyMemory memory = new AdmissionControl.BodyMemory(MEGABYTE, MEGABYTE);
        memory.reserve(MEGABYTE);
        assertThat(memory.reserve(1)).isFalse();

        memory.release(MEGABYTE);

        assertThat(memory.reserve(2000)).isTrue();
    }
}
