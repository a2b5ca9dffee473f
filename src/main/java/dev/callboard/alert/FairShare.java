package dev.callboard.alert;

import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Which mails of a channel are attempted at the same time, so that a server that hangs at the mails to some recipients holds up no
 * others: the mails to the same recipients take at most half of the places that the others leave. A function of its
 * arguments alone.
 */
final class FairShare {
    private FairShare() {}

    /**
     * The due mails of a channel, provider and kind, which have the same recipients.
     *
     * @param dueSince since when the first has been due that is not leased; empty if all are leased
     * @param leased how many of them are leased, which is how many attempts are under way
     */
    record Queue(Channel channel, String provider, String kind, Optional<Instant> dueSince, int leased) {}

    /**
     * The queue whose first mail is attempted next: of those that may take a place, the one that has been due longest.
     *
     * @param places how many attempts are under way at a time
     * @param recipients the recipients of the mails of a queue
     */
    static Optional<Queue> next(List<Queue> queues, int places, Function<Queue, List<String>> recipients) {
        Map<List<String>, Integer> taken = new HashMap<>();
        queues.forEach(queue -> taken.merge(recipients.apply(queue), queue.leased(), Integer::sum));
        int free = places - taken.values().stream().mapToInt(i -> i).sum();
        return queues.stream()
                .filter(queue -> queue.dueSince().isPresent())
                .filter(queue -> taken.get(recipients.apply(queue)) < free)
                .min(Comparator.comparing(queue -> queue.dueSince().get()));
    }
}
