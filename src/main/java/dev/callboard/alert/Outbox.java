package dev.callboard.alert;

import dev.callboard.alert.OutboxStore.AlertGroup;
import dev.callboard.alert.OutboxStore.DueMail;
import dev.callboard.alert.OutboxStore.LatestMail;
import dev.callboard.alert.OutboxStore.MailState;
import dev.callboard.alert.OutboxStore.RecipientState;
import dev.callboard.db.Database;
import dev.callboard.db.SqlErrors;
import dev.callboard.settings.Settings;
import jakarta.mail.internet.InternetAddress;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.Variable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bean {@code outbox} of the routes that send alerts: puts alerts into mails, leases the mail to send, and records
 * the result of each attempt. A mail is delivered at least once: it is sent again, under the same Message-ID, if the
 * process dies between the hand-over and {@link #mark}, or if the reply of the mail server is lost.
 *
 * <p>Several processes may share one PostgreSQL: a mail is created once, and only the process that has leased it sends
 * it. Their clocks may differ by less than {@link #LEASE_TIMEOUT}. Safe for any number of threads.
 */
public final class Outbox {
    /**
     * For how long a process has a mail for itself; it renews that while it attempts the mail. If it dies, another one sends
     * the mail then.
     */
    static final Duration LEASE_TIMEOUT = Duration.ofMinutes(2);

    private static final Duration RENEW_INTERVAL = Duration.ofSeconds(20);

    /** How long an attempt may take; what takes longer is not going to be marked. */
    private static final Duration MAX_ATTEMPT = MailServer.ANSWER_TIMEOUT.plusMinutes(5);

    private static final Logger LOG = LoggerFactory.getLogger(Outbox.class);

    private final OutboxStore store = new OutboxStore();
    private final Database database;
    private final Recipients recipients;
    private final Duration interval;
    private final AlertMetrics metrics;
    private final MailHealth health;
    private final Clock clock;

    /** Until when the servers ask not to be sent anything. */
    private final Map<Channel, Instant> pausedUntil = new ConcurrentHashMap<>();

    /** The attempts of this process that are under way, with the times at which they began, by their leases. */
    private final Map<UUID, Instant> underWay = new ConcurrentHashMap<>();

    private Instant renewedAt = Instant.MIN;
    private boolean resumed;

    /** @param interval {@code callboard.alerts.interval} */
    public Outbox(
            Database database,
            Recipients recipients,
            Duration interval,
            AlertMetrics metrics,
            MailHealth health,
            Clock clock) {
        this.database = database;
        this.recipients = recipients;
        this.interval = interval;
        this.metrics = metrics;
        this.health = health;
        this.clock = clock;
    }

    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS);
    }

    /**
     * Makes due every mail that waits for a retry or that a recipient has rejected, since the settings may have been
     * corrected. On H2, whose file one process holds alone, it also ends the leases of the process before; on PostgreSQL
     * they expire.
     */
    void resume() throws SQLException {
        database.transact(connection -> {
            if (database.isH2()) {
                store.releaseLeases(connection);
            }
            store.resume(connection, now());
            return null;
        });
    }

    /** Resumes the mails of the process before, once: at the start, or when the database is there. */
    private synchronized void resumeOnce() throws SQLException {
        if (!resumed) {
            resume();
            resumed = true;
        }
    }

    /**
     * Puts the alerts whose mail is due into a mail, and leases the mail that may be attempted next.
     *
     * @return null if no mail is due, if all attempts that may be under way are, or if the application is stopping
     */
    public LeasedMail lease(CamelContext camel) throws SQLException {
        if (!camel.getStatus().isStarted()) {
            return null;
        }
        resumeOnce();
        return lease();
    }

    /** The same without what is done once at the start. */
    LeasedMail lease() throws SQLException {
        renewLeases();
        createMails();
        while (true) {
            Optional<FairShare.Queue> next = nextQueue(dueMails());
            if (next.isEmpty()) {
                return null;
            }
            Optional<DueMail> due = dueMail(next.get());
            Optional<LeasedMail> leased = due.isEmpty() ? Optional.empty() : lease(due.get());
            if (leased.isPresent() && !isOver(leased.get())) {
                underWay.put(leased.get().leaseId(), now());
                return leased.get();
            }
        }
    }

    private synchronized void renewLeases() throws SQLException {
        Instant now = now();
        underWay.values().removeIf(since -> since.plus(MAX_ATTEMPT).isBefore(now));
        if (!underWay.isEmpty() && !now.isBefore(renewedAt.plus(RENEW_INTERVAL))) {
            Set<UUID> leases = Set.copyOf(underWay.keySet());
            database.transact(connection -> {
                store.renewLeases(connection, leases, now.plus(LEASE_TIMEOUT));
                return null;
            });
            renewedAt = now;
        }
    }

    /** Of the channel that has a free place: the chat's first, since its attempts are short. */
    private Optional<FairShare.Queue> nextQueue(List<FairShare.Queue> queues) {
        return Stream.of(Channel.WEBHOOK, Channel.MAIL)
                .filter(channel -> !now().isBefore(pausedUntil.getOrDefault(channel, Instant.MIN)))
                .map(channel -> FairShare.next(
                        queues.stream()
                                .filter(queue -> queue.channel() == channel)
                                .toList(),
                        channel.maxAttempts(),
                        this::recipients))
                .flatMap(Optional::stream)
                .findFirst();
    }

    /** Empty if the kind is switched off. */
    private List<InternetAddress> recipients(String kind, String provider) {
        return recipients.of(AlertKind.of(kind), provider);
    }

    private List<InternetAddress> recipients(Channel channel, String kind, String provider) {
        return Recipients.of(channel, recipients(kind, provider));
    }

    private List<String> recipients(FairShare.Queue queue) {
        return addresses(recipients(queue.channel(), queue.kind(), queue.provider()));
    }

    private void createMails() throws SQLException {
        for (AlertGroup group : alertGroups()) {
            if (recipients(group.kind(), group.provider()).isEmpty() && suppress(group)) {
                continue;
            }
            DigestSchedule.NextMail next = DigestSchedule.next(
                    AlertKind.of(group.kind()), group.oldest(), group.latest().map(LatestMail::schedule), interval);
            if (!next.at().isAfter(now())) {
                createMail(group, next.interval());
            }
        }
    }

    /** Without a further mail, if the latest one is suppressed too. */
    private boolean suppress(AlertGroup group) throws SQLException {
        return database.transact(connection -> store.gatherSuppressedAlerts(connection, group, now()));
    }

    private List<AlertGroup> alertGroups() throws SQLException {
        return database.run(store::alertGroups);
    }

    /**
     * Does nothing if another process creates the same mail at this moment. Durable before the first attempt, or the mail
     * would have another Message-ID after the loss of the process.
     */
    private void createMail(AlertGroup group, Duration untilNext) throws SQLException {
        List<InternetAddress> all = recipients(group.kind(), group.provider());
        Channel first = all.isEmpty() || !Recipients.of(Channel.MAIL, all).isEmpty() ? Channel.MAIL : Channel.WEBHOOK;
        database.transactDurably(connection -> {
            String mailId = newMailId();
            if (store.insertMail(connection, mailId, first, group, now(), interval, untilNext)) {
                store.gatherAlerts(connection, mailId, group);
                store.insertRecipients(connection, mailId, addresses(Recipients.of(first, all)));
                copyToOtherChannels(connection, mailId, first, all);
            }
            return null;
        });
    }

    private static String newMailId() {
        return "<" + UUID.randomUUID() + "@callboard>";
    }

    /** Creates the copies of a mail for the channels of its recipients that have none yet. */
    private void copyToOtherChannels(
            Connection connection, String originalId, Channel channel, List<InternetAddress> all) throws SQLException {
        for (Channel other : Channel.values()) {
            List<String> left = addresses(Recipients.of(other, all));
            String copyId = newMailId();
            if (other != channel && !left.isEmpty() && store.insertCopy(connection, copyId, other, originalId, now())) {
                store.insertRecipients(connection, copyId, left);
            }
        }
    }

    private static List<String> addresses(List<InternetAddress> addresses) {
        return addresses.stream().map(DeliveryResult::normalize).toList();
    }

    private List<FairShare.Queue> dueMails() throws SQLException {
        return database.run(connection -> store.dueMails(connection, now()));
    }

    private Optional<DueMail> dueMail(FairShare.Queue queue) throws SQLException {
        return database.run(connection -> store.dueMail(connection, queue, now()));
    }

    /** Leases a mail with all that an attempt needs; empty if another process was faster. */
    private Optional<LeasedMail> lease(DueMail due) throws SQLException {
        return database.transact(connection -> {
            UUID leaseId = UUID.randomUUID();
            Instant now = now();
            if (!store.lease(connection, due.mailId(), leaseId, now, now.plus(LEASE_TIMEOUT))) {
                return Optional.empty();
            }
            Map<String, RecipientState> known = store.recipients(connection, due.mailId());
            List<InternetAddress> all = recipients(due.kind(), due.provider());
            List<InternetAddress> left = left(known, Recipients.of(due.channel(), all));
            alignRecipients(connection, due.mailId(), known, addresses(left));
            copyToOtherChannels(connection, due.originalId(), due.channel(), all);
            return Optional.of(new LeasedMail(
                    due.mailId(),
                    due.originalId(),
                    due.channel(),
                    due.provider(),
                    due.kind(),
                    due.threadId(),
                    due.previousId(),
                    leaseId,
                    due.attempts() + 1,
                    known.containsValue(RecipientState.ACCEPTED),
                    in(RecipientState.REJECTED, known),
                    left,
                    content(connection, due),
                    () -> renewLease(due, leaseId)));
        });
    }

    private MailContent content(Connection connection, DueMail due) throws SQLException {
        Optional<MailContent.Missed> missed = Optional.empty();
        if (AlertKind.of(due.kind()) == AlertKind.MISSED) {
            missed = Optional.of(new MailContent.Missed(
                    store.countLateCallbacks(connection, due.originalId()), metrics.requests(due.provider())));
        }
        return store.content(connection, due.originalId(), missed);
    }

    private void renewLease(DueMail mail, UUID leaseId) throws IOException {
        boolean held;
        try {
            held = database.transact(
                    connection -> store.renewLease(connection, mail.mailId(), leaseId, now().plus(LEASE_TIMEOUT)));
        } catch (SQLException e) {
            throw new IOException("its lease could not be renewed: " + SqlErrors.describe(e), e);
        }
        if (!held) {
            throw new LeaseLostException();
        }
    }

    /** The recipients in the settings, except those who have accepted or rejected the mail. */
    private static List<InternetAddress> left(Map<String, RecipientState> known, List<InternetAddress> configured) {
        return configured.stream()
                .filter(address -> known.getOrDefault(DeliveryResult.normalize(address), RecipientState.PENDING)
                        == RecipientState.PENDING)
                .toList();
    }

    private void alignRecipients(
            Connection connection, String mailId, Map<String, RecipientState> known, List<String> left)
            throws SQLException {
        List<String> removed = new ArrayList<>(in(RecipientState.PENDING, known));
        removed.removeAll(left);
        List<String> added = new ArrayList<>(left);
        added.removeAll(known.keySet());
        store.deleteRecipients(connection, mailId, removed);
        store.insertRecipients(connection, mailId, added);
    }

    private static List<String> in(RecipientState state, Map<String, RecipientState> recipients) {
        return recipients.entrySet().stream()
                .filter(recipient -> recipient.getValue() == state)
                .map(Map.Entry::getKey)
                .toList();
    }

    /** Ends a mail that has no recipient left, or no alert. */
    private boolean isOver(LeasedMail mail) throws SQLException {
        boolean noAlerts = mail.content().alerts() == 0;
        if (!mail.recipients().isEmpty() && !noAlerts) {
            return false;
        }
        MailState state =
                mail.accepted() ? MailState.SENT : mail.rejected().isEmpty() ? MailState.SUPPRESSED : MailState.BOUNCED;
        String error = noAlerts
                ? "its alerts have been removed"
                : "no recipient is left (" + Settings.Alerts.keyOfKind(mail.kind()) + ")";
        database.transact(connection -> {
            store.deleteRecipients(connection, mail.mailId(), mail.addresses());
            return store.mark(
                    connection,
                    mail,
                    state,
                    null,
                    state == MailState.SENT ? null : now(),
                    null,
                    false,
                    state == MailState.SENT ? null : error);
        });
        return true;
    }

    /**
     * Records the result of an attempt.
     *
     * @param failure the exception from composing or sending the mail; null if the mail was accepted
     */
    public void mark(@Variable("mail") LeasedMail mail, @Variable("failure") Exception failure) throws SQLException {
        if (LeaseLostException.isIn(failure)) {
            underWay.remove(mail.leaseId());
            LOG.warn(
                    "mail not handed over mail={} provider={} kind={} (its lease has expired, and another node sends it)",
                    mail.mailId(),
                    mail.provider(),
                    mail.kind());
            return;
        }
        record(
                mail,
                failure == null
                        ? DeliveryResult.accepted(mail.addresses())
                        : DeliveryResult.failed(failure, mail.addresses()));
    }

    /**
     * Records the result of an attempt to post a mail to the chat.
     *
     * @param answer what came of it
     * @param failure the exception from composing the message; null if it was composed
     */
    public void markPosted(
            @Variable("mail") LeasedMail mail,
            @Variable("answer") DeliveryResult answer,
            @Variable("failure") Exception failure)
            throws SQLException {
        if (LeaseLostException.isIn(failure)) {
            mark(mail, failure);
        } else {
            record(mail, answer);
        }
    }

    private void record(LeasedMail mail, DeliveryResult result) throws SQLException {
        health.update(mail.channel(), result);
        Instant now = now();
        result.retryAfter()
                .ifPresent(wait -> pausedUntil.merge(mail.channel(), now.plus(wait), (a, b) -> a.isAfter(b) ? a : b));
        boolean accepted = mail.accepted() || !result.accepted().isEmpty();
        MailState state =
                !result.deferred().isEmpty() ? MailState.PENDING : accepted ? MailState.SENT : MailState.BOUNCED;
        Instant nextAttemptAt = state == MailState.PENDING ? nextAttemptAt(mail, result, now) : null;
        boolean leased = database.transactDurably(connection -> {
            if (!store.mark(
                    connection,
                    mail,
                    state,
                    result.accepted().isEmpty() ? null : now,
                    state == MailState.BOUNCED ? now : null,
                    nextAttemptAt,
                    result.isOutage(),
                    result.error().isEmpty() ? null : result.error())) {
                return false;
            }
            store.markRecipients(connection, mail.mailId(), RecipientState.ACCEPTED, result.accepted());
            store.markRecipients(connection, mail.mailId(), RecipientState.REJECTED, result.rejected());
            raiseUndelivered(connection, mail, result, now);
            if (!result.accepted().isEmpty()) {
                if (mail.isCopy()) {
                    store.markOriginalSent(connection, mail, now);
                }
                store.endOutage(connection, mail.channel(), now);
            }
            return true;
        });
        underWay.remove(mail.leaseId());
        if (!leased) {
            LOG.warn(
                    "lost the lease of a mail mail={} provider={} kind={} (it may arrive twice)",
                    mail.mailId(),
                    mail.provider(),
                    mail.kind());
            return;
        }
        if (!mail.accepted() && !result.accepted().isEmpty()) {
            metrics.countSent(mail.channel(), mail.content().alerts());
        }
        log(mail, result, nextAttemptAt);
    }

    /** Later than the server asks for, if it does. */
    private static Instant nextAttemptAt(LeasedMail mail, DeliveryResult result, Instant now) {
        Duration backoff =
                RetryBackoff.delay(mail.attempt(), ThreadLocalRandom.current().nextDouble());
        Duration asked = result.retryAfter().orElse(Duration.ZERO);
        return now.plus(asked.compareTo(backoff) > 0 ? asked : backoff);
    }

    /** Once a day for an address, if the alert has another recipient; never about a mail of this kind itself. */
    private void raiseUndelivered(Connection connection, LeasedMail mail, DeliveryResult result, Instant now)
            throws SQLException {
        Set<String> rejected = new HashSet<>(mail.rejected());
        rejected.addAll(result.rejected());
        if (AlertKind.of(mail.kind()) == AlertKind.UNDELIVERED || !recipients.hasOthers(rejected)) {
            return;
        }
        // Sorted, so that processes that wait for each other at the same keys do not deadlock.
        for (String address : new TreeSet<>(result.rejected())) {
            String detail = "For: " + recipients.describe(address) + "\nAbout: " + mail.provider() + ", " + mail.kind()
                    + "\nWhy: " + result.error() + "\nThe mail: " + mail.mailId()
                    + ", in GET /mails on the management port";
            raise(connection, AlertKind.UNDELIVERED.code(), mail.provider(), address, detail, now);
        }
    }

    private void log(LeasedMail mail, DeliveryResult result, Instant nextAttemptAt) {
        boolean isChat = mail.channel() == Channel.WEBHOOK;
        if (!result.accepted().isEmpty() && isChat) {
            LOG.info(
                    "sent to the chat kind={} provider={} alerts={} attempt={}",
                    mail.kind(),
                    mail.provider(),
                    mail.content().alerts(),
                    mail.attempt());
        } else if (!result.accepted().isEmpty()) {
            LOG.info(
                    "sent mail kind={} provider={} alerts={} recipients={} attempt={}",
                    mail.kind(),
                    mail.provider(),
                    mail.content().alerts(),
                    result.accepted().size(),
                    mail.attempt());
        }
        if (result.error().isEmpty()) {
            return;
        }
        metrics.countFailure(mail.channel());
        String fields = "mail=" + mail.mailId() + " provider=" + mail.provider() + " kind=" + mail.kind() + " attempt="
                + mail.attempt() + (nextAttemptAt == null ? "" : " next-attempt=" + nextAttemptAt) + " error=\""
                + result.error() + "\"";
        if (isChat) {
            logChat(result, fields);
        } else if (result.settingsAtFault()) {
            LOG.error("mail not sent {} (correct callboard.mail.* or callboard.alerts.from, then restart)", fields);
        } else if (!result.rejected().isEmpty()) {
            LOG.error("mail bounced {} (correct the address in callboard.alerts.*, then restart)", fields);
        } else {
            LOG.warn("mail deferred {} (it is attempted again)", fields);
        }
    }

    private static void logChat(DeliveryResult result, String fields) {
        if (!result.rejected().isEmpty()) {
            LOG.error("chat rejected a message {} (correct callboard.alerts.webhook.*, then restart)", fields);
        } else if (result.settingsAtFault()) {
            LOG.error("chat not reached {} (correct callboard.alerts.webhook.*, then restart)", fields);
        } else {
            LOG.warn("message to the chat deferred {} (it is attempted again)", fields);
        }
    }

    /** Whether a leased mail is one to the chat; the others are for the mail server. */
    public boolean isToChat(@Variable("mail") LeasedMail mail) {
        return mail != null && mail.channel() == Channel.WEBHOOK;
    }

    /**
     * Raises an alert that is about no task, once in the hour or day that its kind asks for.
     *
     * @return how many alerts are stored: 1, or 0 if the same was raised before
     */
    public int raise(
            @Variable("alertKind") String kind,
            @Variable("provider") String provider,
            @Variable("detail") String detail)
            throws SQLException {
        return database.transact(connection -> raise(connection, kind, provider, provider, detail, now())) ? 1 : 0;
    }

    private boolean raise(Connection connection, String kind, String provider, String about, String detail, Instant now)
            throws SQLException {
        String dedupKey = AlertKind.of(kind).dedupKey(about, now).orElse(null);
        return store.raise(connection, kind, provider, dedupKey, detail, now);
    }
}
