package dev.callboard.alert;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * When the alerts of one provider and kind that are in no mail yet are mailed. After a quiet time they are mailed at
 * once. While more alerts follow a mail, they are gathered into digests, and the interval between two digests doubles up
 * to {@link #MAX_INTERVAL}. A kind that is mailed once a day is always gathered. A function of its arguments alone.
 */
final class DigestSchedule {
    /** The longest interval between two digests, unless the settings ask for a longer one. */
    static final Duration MAX_INTERVAL = Duration.ofHours(1);

    /** The shortest time between two mails of a kind that is mailed once a day. */
    static final Duration DAILY_INTERVAL = Duration.ofDays(1);

    private DigestSchedule() {}

    /**
     * The latest mail about the same provider and kind.
     *
     * @param quietAfter an alert that is raised at this time or later begins a new sequence of mails
     * @param nextDigestAt when the next digest is due if alerts were raised before that time
     * @param interval the time between this mail and {@code nextDigestAt}
     * @param sent whether a recipient has accepted it
     */
    record LastMail(Instant quietAfter, Instant nextDigestAt, Duration interval, boolean sent) {}

    /**
     * The next mail.
     *
     * @param at when it is due
     * @param interval how long after it the digest that follows it is due
     */
    record NextMail(Instant at, Duration interval) {}

    /**
     * @param oldest when the oldest of the alerts was raised
     * @param base {@code callboard.alerts.interval}
     */
    static NextMail next(AlertKind kind, Instant oldest, Optional<LastMail> last, Duration base) {
        if (kind.isDaily()) {
            Instant gathered = oldest.plus(base);
            Instant due = last.map(LastMail::nextDigestAt)
                    .filter(next -> next.isAfter(gathered))
                    .orElse(gathered);
            return new NextMail(due, DAILY_INTERVAL);
        }
        if (last.isPresent()
                && (!last.get().sent() || oldest.isBefore(last.get().quietAfter()))) {
            return new NextMail(last.get().nextDigestAt(), longer(last.get().interval(), base));
        }
        return new NextMail(kind.isDigestOnly() ? oldest.plus(base) : oldest, base);
    }

    private static Duration longer(Duration interval, Duration base) {
        Duration most = base.compareTo(MAX_INTERVAL) > 0 ? base : MAX_INTERVAL;
        Duration twice = interval.multipliedBy(2);
        return twice.compareTo(most) > 0 ? most : twice;
    }
}
