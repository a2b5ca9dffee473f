package dev.callboard.alert;

import dev.callboard.db.SqlFile;
import dev.callboard.db.SqlTimes;
import dev.callboard.text.SafeText;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * The statements of the {@link Outbox} on the tables alert, mail and mail_recipient. Each works on a connection of the
 * caller, who owns the transaction. Safe for any number of threads.
 */
final class OutboxStore {
    private static final int MAX_DEDUP_KEY = 400;
    private static final int MAX_DETAIL = 4000;

    private static final SqlFile SQL = SqlFile.read("outbox");

    private static final String SELECT_ALERT_GROUPS = SQL.statement("select-alert-groups");
    private static final String INSERT_MAIL = SQL.statement("insert-mail");
    private static final String INSERT_COPY = SQL.statement("insert-copy");
    private static final String GATHER_ALERTS = SQL.statement("gather-alerts");
    private static final String GATHER_SUPPRESSED_ALERTS = SQL.statement("gather-suppressed-alerts");
    private static final String SELECT_DUE_MAILS = SQL.statement("select-due-mails");
    private static final String SELECT_DUE_MAIL = SQL.statement("select-due-mail");
    private static final String LEASE_MAIL = SQL.statement("lease-mail");
    private static final String RENEW_LEASE = SQL.statement("renew-lease");
    private static final String RENEW_LEASES = SQL.statement("renew-leases");
    private static final String MARK_MAIL = SQL.statement("mark-mail");
    private static final String MARK_ORIGINAL_SENT = SQL.statement("mark-original-sent");
    private static final String END_OUTAGE = SQL.statement("end-outage");
    private static final String RESUME_MAILS = SQL.statement("resume-mails");
    private static final String RESUME_RECIPIENTS = SQL.statement("resume-recipients");
    private static final String RAISE_ALERT = SQL.statement("raise-alert");
    private static final String SELECT_SUMMARY = SQL.statement("select-mail-summary");
    private static final String SELECT_REASONS = SQL.statement("select-mail-reasons");
    private static final String SELECT_ALERTS = SQL.statement("select-mail-alerts");
    private static final String SELECT_FILES = SQL.statement("select-mail-files");
    private static final String SELECT_RECOVERED = SQL.statement("select-recovered-tasks");
    private static final String COUNT_LATE_CALLBACKS = SQL.statement("count-late-callbacks");

    /** The states of a mail; see the table. */
    enum MailState {
        PENDING("pending"),
        SENT("sent"),
        BOUNCED("bounced"),
        SUPPRESSED("suppressed");

        private final String code;

        MailState(String code) {
            this.code = code;
        }
    }

    /** The states of a recipient of a mail. */
    enum RecipientState {
        PENDING("pending"),
        ACCEPTED("accepted"),
        REJECTED("rejected");

        private final String code;

        RecipientState(String code) {
            this.code = code;
        }

        static RecipientState of(String code) {
            return valueOf(code.toUpperCase(Locale.ROOT));
        }
    }

    /** The alerts of a provider and kind that are in no mail. */
    record AlertGroup(String provider, String kind, Instant oldest, Optional<LatestMail> latest) {}

    /** The latest mail of a provider and kind. */
    record LatestMail(String mailId, int sequence, String threadId, DigestSchedule.LastMail schedule) {}

    /** A mail that is due. */
    record DueMail(
            String mailId,
            String originalId,
            Channel channel,
            String provider,
            String kind,
            String threadId,
            String previousId,
            int attempts) {}

    List<AlertGroup> alertGroups(Connection connection) throws SQLException {
        List<AlertGroup> groups = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(SELECT_ALERT_GROUPS);
                ResultSet row = select.executeQuery()) {
            while (row.next()) {
                groups.add(new AlertGroup(
                        row.getString("provider"),
                        row.getString("kind"),
                        SqlTimes.get(row, "oldest"),
                        latestMail(row)));
            }
        }
        return groups;
    }

    private static Optional<LatestMail> latestMail(ResultSet row) throws SQLException {
        if (row.getString("mail_id") == null) {
            return Optional.empty();
        }
        return Optional.of(new LatestMail(
                row.getString("mail_id"),
                row.getInt("sequence"),
                row.getString("thread_id"),
                new DigestSchedule.LastMail(
                        SqlTimes.get(row, "quiet_after"),
                        SqlTimes.get(row, "next_digest_at"),
                        Duration.ofSeconds(row.getInt("interval_seconds")),
                        SqlTimes.get(row, "sent_at") != null)));
    }

    /**
     * Creates a mail without alerts or recipients.
     *
     * @param base an alert that is raised this long after the mail begins a new sequence of mails
     * @param interval how long after the mail the next digest is due
     * @return whether it is created; if not, another process was faster
     */
    boolean insertMail(
            Connection connection,
            String mailId,
            Channel channel,
            AlertGroup group,
            Instant now,
            Duration base,
            Duration interval)
            throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(INSERT_MAIL)) {
            insert.setString(1, mailId);
            insert.setString(2, group.provider());
            insert.setString(3, group.kind());
            insert.setInt(4, group.latest().map(LatestMail::sequence).orElse(0) + 1);
            insert.setString(5, group.latest().map(LatestMail::threadId).orElse(mailId));
            insert.setString(6, group.latest().map(LatestMail::mailId).orElse(null));
            SqlTimes.set(insert, 7, now);
            SqlTimes.set(insert, 8, now.plus(base));
            insert.setLong(9, interval.toSeconds());
            SqlTimes.set(insert, 10, now.plus(interval));
            SqlTimes.set(insert, 11, now);
            insert.setString(12, channel.code());
            return insert.executeUpdate() == 1;
        }
    }

    /**
     * Creates a copy of a mail for another channel, without recipients.
     *
     * @return whether it is created; not if the mail is of this channel, or has such a copy
     */
    boolean insertCopy(Connection connection, String mailId, Channel channel, String originalId, Instant now)
            throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(INSERT_COPY)) {
            insert.setString(1, mailId);
            SqlTimes.set(insert, 2, now);
            insert.setString(3, channel.code());
            insert.setString(4, originalId);
            insert.setString(5, channel.code());
            return insert.executeUpdate() == 1;
        }
    }

    /** Puts all alerts of a group into a mail. */
    void gatherAlerts(Connection connection, String mailId, AlertGroup group) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(GATHER_ALERTS)) {
            update.setString(1, mailId);
            update.setString(2, group.provider());
            update.setString(3, group.kind());
            update.executeUpdate();
        }
    }

    /**
     * Puts all alerts of a group into its latest mail, if that is suppressed.
     *
     * @return whether it is
     */
    boolean gatherSuppressedAlerts(Connection connection, AlertGroup group, Instant now) throws SQLException {
        if (group.latest().isEmpty()) {
            return false;
        }
        String mailId = group.latest().get().mailId();
        try (PreparedStatement update = connection.prepareStatement(GATHER_SUPPRESSED_ALERTS)) {
            SqlTimes.set(update, 1, now);
            update.setString(2, mailId);
            if (update.executeUpdate() == 0) {
                return false;
            }
        }
        gatherAlerts(connection, mailId, group);
        return true;
    }

    List<FairShare.Queue> dueMails(Connection connection, Instant now) throws SQLException {
        List<FairShare.Queue> queues = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(SELECT_DUE_MAILS)) {
            SqlTimes.set(select, 1, now);
            SqlTimes.set(select, 2, now);
            SqlTimes.set(select, 3, now);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    queues.add(new FairShare.Queue(
                            Channel.of(row.getString("channel")),
                            row.getString("provider"),
                            row.getString("kind"),
                            Optional.ofNullable(SqlTimes.get(row, "due_since")),
                            row.getInt("leased")));
                }
            }
        }
        return queues;
    }

    /** The mail of a queue that has been due longest. */
    Optional<DueMail> dueMail(Connection connection, FairShare.Queue queue, Instant now) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(SELECT_DUE_MAIL)) {
            SqlTimes.set(select, 1, now);
            SqlTimes.set(select, 2, now);
            select.setString(3, queue.channel().code());
            select.setString(4, queue.provider());
            select.setString(5, queue.kind());
            try (ResultSet row = select.executeQuery()) {
                return row.next()
                        ? Optional.of(new DueMail(
                                row.getString("mail_id"),
                                row.getString("original_id"),
                                Channel.of(row.getString("channel")),
                                row.getString("provider"),
                                row.getString("kind"),
                                row.getString("thread_id"),
                                row.getString("previous_id"),
                                row.getInt("attempts")))
                        : Optional.empty();
            }
        }
    }

    /**
     * Leases a mail, which begins an attempt.
     *
     * @return whether this process has the lease; if not, another process was faster
     */
    boolean lease(Connection connection, String mailId, UUID leaseId, Instant now, Instant until) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(LEASE_MAIL)) {
            update.setObject(1, leaseId);
            SqlTimes.set(update, 2, until);
            update.setString(3, mailId);
            SqlTimes.set(update, 4, now);
            SqlTimes.set(update, 5, now);
            return update.executeUpdate() == 1;
        }
    }

    /**
     * Extends a lease.
     *
     * @return whether this process still had it
     */
    boolean renewLease(Connection connection, String mailId, UUID leaseId, Instant until) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(RENEW_LEASE)) {
            SqlTimes.set(update, 1, until);
            update.setString(2, mailId);
            update.setObject(3, leaseId);
            return update.executeUpdate() == 1;
        }
    }

    /** Lets this process keep the mails of its leases for longer, except those that another process has taken. */
    void renewLeases(Connection connection, Set<UUID> leases, Instant until) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(RENEW_LEASES)) {
            SqlTimes.set(update, 1, until);
            update.setArray(2, connection.createArrayOf("uuid", leases.toArray()));
            update.executeUpdate();
        }
    }

    /**
     * Ends an attempt.
     *
     * @param sentAt null if no recipient accepted the mail
     * @param failedAt null unless the state is bounced or suppressed
     * @param nextAttemptAt null unless the state is pending
     * @param awaitsServer whether it becomes due when another mail of its channel goes through
     * @param error null if there is none
     * @return whether this process still had the lease
     */
    boolean mark(
            Connection connection,
            LeasedMail mail,
            MailState state,
            Instant sentAt,
            Instant failedAt,
            Instant nextAttemptAt,
            boolean awaitsServer,
            String error)
            throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(MARK_MAIL)) {
            update.setString(1, state.code);
            SqlTimes.set(update, 2, sentAt);
            SqlTimes.set(update, 3, failedAt);
            SqlTimes.set(update, 4, nextAttemptAt);
            update.setBoolean(5, awaitsServer);
            update.setString(6, error);
            update.setString(7, mail.mailId());
            update.setObject(8, mail.leaseId());
            return update.executeUpdate() == 1;
        }
    }

    /** The recipients of a mail, by their address. */
    Map<String, RecipientState> recipients(Connection connection, String mailId) throws SQLException {
        Map<String, RecipientState> recipients = new LinkedHashMap<>();
        try (PreparedStatement select = connection.prepareStatement(
                "SELECT address, state FROM mail_recipient WHERE mail_id = ? ORDER BY address")) {
            select.setString(1, mailId);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    recipients.put(row.getString("address"), RecipientState.of(row.getString("state")));
                }
            }
        }
        return recipients;
    }

    void insertRecipients(Connection connection, String mailId, Collection<String> addresses) throws SQLException {
        forEach(
                connection,
                "INSERT INTO mail_recipient (state, mail_id, address) VALUES (?, ?, ?)",
                RecipientState.PENDING,
                mailId,
                addresses);
    }

    /** Removes recipients who have neither accepted nor rejected a mail. */
    void deleteRecipients(Connection connection, String mailId, Collection<String> addresses) throws SQLException {
        forEach(
                connection,
                "DELETE FROM mail_recipient WHERE state = ? AND mail_id = ? AND address = ?",
                RecipientState.PENDING,
                mailId,
                addresses);
    }

    void markRecipients(Connection connection, String mailId, RecipientState state, Collection<String> addresses)
            throws SQLException {
        forEach(
                connection,
                "UPDATE mail_recipient SET state = ? WHERE mail_id = ? AND address = ?",
                state,
                mailId,
                addresses);
    }

    private static void forEach(
            Connection connection, String sql, RecipientState state, String mailId, Collection<String> addresses)
            throws SQLException {
        if (addresses.isEmpty()) {
            return;
        }
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (String address : addresses) {
                statement.setString(1, state.code);
                statement.setString(2, mailId);
                statement.setString(3, address);
                statement.addBatch();
            }
            statement.executeBatch();
        }
    }

    /** Notes at the original of a copy that a recipient has its alerts. */
    void markOriginalSent(Connection connection, LeasedMail copy, Instant now) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(MARK_ORIGINAL_SENT)) {
            SqlTimes.set(update, 1, now);
            update.setString(2, copy.originalId());
            update.executeUpdate();
        }
    }

    /** Makes due the mails of a channel that no recipient has accepted because the server accepted none. */
    void endOutage(Connection connection, Channel channel, Instant now) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(END_OUTAGE)) {
            SqlTimes.set(update, 1, now);
            SqlTimes.set(update, 2, now);
            update.setString(3, channel.code());
            update.executeUpdate();
        }
    }

    /** Makes due what waits for a retry or was rejected by a recipient, unless it is leased. */
    void resume(Connection connection, Instant now) throws SQLException {
        try (PreparedStatement mails = connection.prepareStatement(RESUME_MAILS);
                PreparedStatement recipients = connection.prepareStatement(RESUME_RECIPIENTS)) {
            SqlTimes.set(mails, 1, now);
            SqlTimes.set(mails, 2, now);
            SqlTimes.set(mails, 3, now);
            mails.executeUpdate();
            SqlTimes.set(recipients, 1, now);
            recipients.executeUpdate();
        }
    }

    /** Ends all leases, which only a process that has the database alone may do. */
    void releaseLeases(Connection connection) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(
                "UPDATE mail SET lease_id = NULL, leased_until = NULL WHERE leased_until IS NOT NULL")) {
            update.executeUpdate();
        }
    }

    /**
     * Stores an alert that is about no task.
     *
     * @param dedupKey null if it is raised however often it was raised before
     * @return whether it is new
     */
    boolean raise(Connection connection, String kind, String provider, String dedupKey, String detail, Instant now)
            throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(RAISE_ALERT)) {
            insert.setObject(1, UUID.randomUUID());
            insert.setString(2, kind);
            insert.setString(3, provider);
            insert.setString(4, dedupKey == null ? null : SafeText.storable(dedupKey, MAX_DEDUP_KEY));
            insert.setString(5, SafeText.storable(detail, MAX_DETAIL));
            SqlTimes.set(insert, 6, now);
            return insert.executeUpdate() == 1;
        }
    }

    /** Of how many tasks that look-ups found finished a callback has said so later. */
    long countLateCallbacks(Connection connection, String mailId) throws SQLException {
        return rows(connection, COUNT_LATE_CALLBACKS, mailId, row -> row.getLong("late"))
                .get(0);
    }

    private static MailContent.Recovered recovered(Connection connection, String mailId) throws SQLException {
        List<Recovered> first = rows(
                connection,
                SELECT_RECOVERED,
                mailId,
                row -> new Recovered(row.getString("task_id"), row.getLong("tasks")));
        return first.isEmpty()
                ? MailContent.Recovered.NONE
                : new MailContent.Recovered(
                        first.get(0).tasks(),
                        first.stream().map(Recovered::taskId).toList());
    }

    /** One of a number of tasks. */
    private record Recovered(String taskId, long tasks) {}

    MailContent content(Connection connection, String mailId, Optional<MailContent.Missed> missed) throws SQLException {
        MailContent.Recovered recovered = recovered(connection, mailId);
        List<MailContent.Reason> reasons = rows(
                connection,
                SELECT_REASONS,
                mailId,
                row -> new MailContent.Reason(row.getString("reason"), row.getLong("alerts")));
        List<MailContent.Alert> newest = rows(connection, SELECT_ALERTS, mailId, OutboxStore::alert);
        List<MailContent.File> files = rows(
                connection,
                SELECT_FILES,
                mailId,
                row -> new MailContent.File(row.getString("task_id"), row.getString("kind"), row.getString("url")));
        return rows(
                        connection,
                        SELECT_SUMMARY,
                        mailId,
                        row -> new MailContent(
                                row.getLong("alerts"),
                                row.getLong("tasks"),
                                row.getLong("completed"),
                                SqlTimes.get(row, "since"),
                                SqlTimes.get(row, "until"),
                                reasons,
                                newest,
                                files,
                                recovered,
                                missed))
                .get(0);
    }

    private static MailContent.Alert alert(ResultSet row) throws SQLException {
        String otherKinds = row.getString("other_kinds");
        return new MailContent.Alert(
                row.getString("task_id"),
                row.getString("task_type"),
                row.getString("business_id"),
                row.getString("status"),
                row.getString("failure_reason"),
                otherKinds == null ? List.of() : List.of(otherKinds.split(",", -1)),
                row.getString("detail"),
                row.getString("details"),
                SqlTimes.get(row, "created_at"),
                SqlTimes.get(row, "occurred_at"),
                "lookup".equals(row.getString("origin")),
                row.getString("outcome"),
                SqlTimes.get(row, "changed_at"),
                SqlTimes.get(row, "opened_at"));
    }

    private interface RowReader<T> {
        T read(ResultSet row) throws SQLException;
    }

    private static <T> List<T> rows(Connection connection, String sql, String mailId, RowReader<T> reader)
            throws SQLException {
        List<T> rows = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(sql)) {
            select.setString(1, mailId);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    rows.add(reader.read(row));
                }
            }
        }
        return rows;
    }
}
