package dev.callboard.alert;

import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Which mails are attempted at the same time, so that a server that hangs at the mails to some recipients holds up no
 * others: the mails to the same recipients take at most half of the places that the others leave. A function of its
 * arguments alone.
 */
final class FairShare {
    /** How many attempts are under way at a time, of all processes that share the database. */
    static final int MAX_ATTEMPTS = 16;

    private FairShare() {}

    /**
     * The due mails of a provider and kind, which have the same recipients.
     *
     * @param dueSince since when the first has been due that is not leased; empty if all are leased
     * @param leased how many of them are leased, which is how many attempts are under way
     */
    record Queue(String provider, String kind, Optional<Instant> dueSince, int leased) {}

    /**
     * The queue whose first mail is attempted next: of those that may take a place, the one that has been due longest.
     *
     * @param recipients the recipients of the mails of a queue
     */
    static Optional<Queue> next(List<Queue> queues, Function<Queue, List<String>> recipients) {
        Map<List<String>, Integer> taken = new HashMap<>();
        queues.forEach(queue -> taken.merge(recipients.apply(queue), queue.leased(), Integer::sum));
        int free = MAX_ATTEMPTS - taken.values().stream().mapToInt(i -> i).sum();
        return queues.stream()
                .filter(queue -> queue.dueSince().isPresent())
                .filter(queue -> taken.get(recipients.apply(queue)) < free)
                .min(Comparator.comparing(queue -> queue.dueSince().get()));
    }
}
