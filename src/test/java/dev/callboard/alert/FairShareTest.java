package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.alert.FairShare.Queue;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which mail is attempted next while others are under way. */
final class FairShareTest {
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");

    private static final int PLACES = 16;

    private static Queue queue(String provider, int dueSince, int leased) {
        return new Queue(Channel.MAIL, provider, "failed", Optional.of(NOON.plusSeconds(dueSince)), leased);
    }

    private static Optional<String> next(List<Queue> queues) {
        return FairShare.next(queues, PLACES, queue -> List.of(queue.provider() + "@x.test"))
                .map(Queue::provider);
    }

    @ParameterizedTest(name = "{0} of these recipients and {1} of others are under way: {2}")
    @CsvSource({
        "0, 0, true", "7, 0, true", "8, 0, false", "0, 15, true", "0, 16, false",
        "3, 8, true", "4, 8, false", "1, 12, true", "2, 12, false", "1, 14, false"
    })
    void leavesHalfOfTheFreePlacesToOthers(int same, int others, boolean starts) {
        List<Queue> queues =
                List.of(queue("same", 0, same), new Queue(Channel.MAIL, "others", "failed", Optional.empty(), others));
        assertThat(next(queues).isPresent()).isEqualTo(starts);
    }

    @Test
    void takesTheMailThatHasBeenDueLongestOfThoseThatMayStart() {
        assertThat(next(List.of(queue("later", 2, 0), queue("first", 1, 0)))).contains("first");
        assertThat(next(List.of(queue("later", 2, 0), queue("first", 1, 8)))).contains("later");
        assertThat(next(List.of())).isEmpty();
    }

    @Test
    void countsTheMailsOfAllProvidersAndKindsToTheSameRecipients() {
        List<Queue> queues = List.of(queue("one", 1, 4), queue("two", 2, 4));
        assertThat(FairShare.next(queues, PLACES, queue -> List.of("ops@x.test")))
                .isEmpty();
    }

    @Test
    void neverTakesMoreThanAllPlaces() {
        Map<String, Integer> leased = new TreeMap<>();
        for (int i = 0; i < 30; i++) {
            leased.put("p" + i, 0);
        }
        for (int attempts = 0; ; attempts++) {
            List<Queue> queues = new ArrayList<>();
            leased.forEach((provider, n) -> queues.add(queue(provider, 0, n)));
            Optional<String> next = next(queues);
            if (next.isEmpty()) {
                assertThat(attempts).isEqualTo(PLACES);
                return;
            }
            leased.merge(next.get(), 1, Integer::sum);
        }
    }
}
