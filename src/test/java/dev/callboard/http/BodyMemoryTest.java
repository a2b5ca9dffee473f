package dev.callboard.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** How much may be read at a time, by the size of the heap. */
final class BodyMemoryTest {
    private static final int MEGABYTE = 1024 * 1024;

    @Test
    void readsAnEighthOfTheHeapAtATime() {
        BodyMemory memory = new BodyMemory(32 * MEGABYTE, MEGABYTE);
        for (int i = 0; i < 4; i++) {
            assertThat(memory.reserve(MEGABYTE)).isEqualTo(MEGABYTE);
        }

        assertThat(memory.reserve(1)).isZero();

        memory.release(MEGABYTE);
        assertThat(memory.reserve(2000)).isEqualTo(2000);
    }

    @Test
    void countsABodyOfUnknownLengthAsTheLongest() {
        BodyMemory memory = new BodyMemory(32 * MEGABYTE, MEGABYTE);

        assertThat(memory.reserve(-1)).isEqualTo(MEGABYTE);
        assertThat(memory.reserve(Long.MAX_VALUE)).isEqualTo(MEGABYTE);
        assertThat(memory.reserve(0)).isEqualTo(1);
    }

    @Test
    void hasRoomForOneBodyHoweverSmallTheHeap() {
        BodyMemory memory = new BodyMemory(MEGABYTE, MEGABYTE);

        assertThat(memory.reserve(MEGABYTE)).isEqualTo(MEGABYTE);
        assertThat(memory.reserve(MEGABYTE)).isZero();
    }
}
