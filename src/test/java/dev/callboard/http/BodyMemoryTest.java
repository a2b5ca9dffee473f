package dev.callboard.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How much memory is reserved for bodies before they are read. */
final class BodyMemoryTest {
    private static final int MEGABYTE = 1024 * 1024;

    @ParameterizedTest(name = "a body of {0} bytes")
    @CsvSource({
        // -1 is a body without a Content-Length.
        "-1, 1048576",
        "0, 1",
        "1, 1",
        "2000, 2000",
        "1048576, 1048576",
        "1048577, 1048576",
        "9223372036854775807, 1048576"
    })
    void reservesTheContentLengthUpToTheLongestBody(long contentLength, int reserved) {
        assertThat(new AdmissionControl.BodyMemory(32 * MEGABYTE, MEGABYTE).reserve(contentLength))
                .isEqualTo(reserved);
    }

    @ParameterizedTest(name = "a heap of {0} MB")
    @CsvSource({"0, 1", "1, 1", "8, 1", "32, 4", "160, 20", "100000, 2047"})
    void reservesAnEighthOfTheHeapButNeverLessThanOneBody(long heapMegabytes, int bodies) {
        AdmissionControl.BodyMemory memory = new AdmissionControl.BodyMemory(heapMegabytes * MEGABYTE, MEGABYTE);
        for (int i = 0; i < bodies; i++) {
            assertThat(memory.reserve(MEGABYTE)).isEqualTo(MEGABYTE);
        }
        assertThat(memory.reserve(MEGABYTE)).isZero();
    }

    @Test
    void reservesReleasedMemoryAgain() {
        AdmissionControl.BodyMemory memory = new AdmissionControl.BodyMemory(MEGABYTE, MEGABYTE);
        memory.reserve(MEGABYTE);
        assertThat(memory.reserve(1)).isZero();

        memory.release(MEGABYTE);

        assertThat(memory.reserve(2000)).isEqualTo(2000);
    }
}
