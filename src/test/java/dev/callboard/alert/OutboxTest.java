package dev.callboard.alert;

import static dev.callboard.testkit.Waiting.soon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.callboard.settings.Settings;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Certificates;
import dev.callboard.testkit.Failures;
import dev.callboard.testkit.HostileMailServer;
import dev.callboard.testkit.SettableClock;
import dev.callboard.testkit.TestCallboard;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import jakarta.mail.Address;
import jakarta.mail.MessagingException;
import jakarta.mail.SendFailedException;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.camel.CamelContext;
import org.apache.camel.component.mail.JavaMailSender;
import org.eclipse.angus.mail.smtp.SMTPAddressFailedException;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The outbox on both databases, as several nodes use it; only the test sends mails. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@ParameterizedClass
@EnumSource(Backend.class)
final class OutboxTest {
    private static MessagingException notNow() {
        return new MessagingException("connection refused");
    }

    private final SettableClock clock = new SettableClock();
    private final TestCallboard callboard;

    private final Backend backend;

    OutboxTest(Backend backend) {
        this.backend = backend;
        this.callboard = TestCallboard.start(backend, Map.of(), clock);
    }

    @BeforeEach
    void stopTheRoute() throws Exception {
        callboard.callboard().camel().getRouteController().stopRoute("send-alerts");
    }

    @AfterEach
    void stop() {
        callboard.close();
    }

    /** The outbox of a node whose settings name these recipients. */
    private Outbox node(String to, String... more) {
        Map<String, String> given = new HashMap<>(Map.of("callboard.alerts.to", to));
        for (int i = 0; i < more.length; i += 2) {
            given.put(more[i], more[i + 1]);
        }
        Settings settings = MailServerTest.settings(given);
        var database = callboard.callboard().database();
        MailHealth health = new MailHealth();
        return new Outbox(
                database,
                new Recipients(settings),
                Duration.ofMinutes(5),
                new AlertMetrics(new SimpleMeterRegistry(), database, health, clock),
                health,
                clock);
    }

    /** Without what a node does at its start. */
    private static LeasedMail lease(Outbox node) throws SQLException {
        return node.lease();
    }

    private Map<String, Object> onlyMail() {
        List<Map<String, Object>> mails = callboard.rows("SELECT * FROM mail");
        assertThat(mails).hasSize(1);
        return mails.get(0);
    }

    /** Of the mails about failures, by address. */
    private List<String> recipients() {
        return callboard
                .rows("SELECT address, recipient.state FROM mail_recipient recipient"
                        + " JOIN mail ON mail.mail_id = recipient.mail_id WHERE kind = 'failed' ORDER BY address")
                .stream()
                .map(row -> row.get("address") + " " + row.get("state"))
                .toList();
    }

    /** The server rejects these recipients for good, and replies nothing to the mail. */
    private static SendFailedException rejection(String... addresses) throws Exception {
        SendFailedException failure = new SendFailedException("Invalid Addresses");
        for (String address : addresses) {
            failure.setNextException(
                    new SMTPAddressFailedException(new InternetAddress(address), "RCPT TO", 550, "550 no such user"));
        }
        return failure;
    }

    @Test
    void leasesAMailToOneNodeAtATime() throws Exception {
        Outbox one = node("ops@x.test");
        Outbox other = node("ops@x.test");
        Failures.record(callboard, "fotor", 2);
        LeasedMail first = lease(one);
        assertThat(first.content().alerts()).isEqualTo(2);
        assertThat(first.attempt()).isEqualTo(1);
        assertThat(lease(other)).isNull();
        clock.advance(Outbox.LEASE_TIMEOUT.plusMillis(1));
        LeasedMail second = lease(other);
        assertThat(second.mailId()).isEqualTo(first.mailId());
        assertThat(second.attempt()).isEqualTo(2);

        // The slow node marks the mail after its lease has expired.
        one.mark(first, notNow());
        assertThat(onlyMail()).containsEntry("lease_id", second.leaseId()).containsEntry("last_error", null);
        other.mark(second, null);
        assertThat(onlyMail()).containsEntry("state", "sent").containsEntry("lease_id", null);
        assertThat(recipients()).containsExactly("ops@x.test accepted");
        assertThat(lease(one)).isNull();
    }

    @Test
    void putsNoAlertIntoAMailThatExists() throws Exception {
        Outbox node = node("ops@x.test");
        Failures.record(callboard, "fotor", 0, 1, i -> null);
        node.mark(lease(node), notNow());
        Failures.record(callboard, "fotor", 1, 2, i -> null);
        // At the second attempt.
        clock.advance(Duration.ofSeconds(5));
        LeasedMail mail = lease(node);
        assertThat(mail.content().newest())
                .extracting(MailContent.Alert::taskId)
                .containsExactly("task-0");
        assertThat(callboard.rows("SELECT task_id FROM alert WHERE mail_id IS NULL"))
                .extracting(row -> row.get("task_id"))
                .containsExactly("task-1");
    }

    @Test
    void keepsTheMessageIdAndTheAlertsOnEachAttempt() throws Exception {
        Outbox node = node("ops@x.test");
        Failures.record(callboard, "fotor", 3);
        LeasedMail first = lease(node);
        node.mark(first, notNow());
        assertThat(onlyMail()).containsEntry("state", "pending").containsEntry("last_error", "connection refused");
        assertThat(lease(node)).isNull();
        clock.advance(Duration.ofSeconds(5));
        LeasedMail second = lease(node);
        assertThat(second.mailId()).isEqualTo(first.mailId());
        assertThat(second.content()).isEqualTo(first.content());
        node.mark(second, null);
        assertThat(onlyMail()).containsEntry("state", "sent").containsEntry("last_error", null);
    }

    @Test
    void sendsToTheRecipientsThatTheSettingsNameAtTheAttempt() throws Exception {
        Failures.record(callboard, "fotor", 1);
        Outbox before = node("Ops <Ops@x.test>, gone@x.test, no@x.test");
        before.mark(lease(before), rejection("no@x.test"));
        assertThat(recipients()).containsExactly("gone@x.test pending", "no@x.test rejected", "ops@x.test pending");
        clock.advance(Duration.ofSeconds(5));
        Outbox after = node("no@x.test, Ops <Ops@x.test>, new@x.test");
        LeasedMail mail = lease(after);
        if (!mail.kind().equals("failed")) {
            // The one about the address that was rejected.
            mail = lease(after);
        }
        assertThat(mail.recipients()).extracting(Object::toString).containsExactly("Ops <Ops@x.test>", "new@x.test");
        assertThat(recipients()).containsExactly("new@x.test pending", "no@x.test rejected", "ops@x.test pending");
    }

    @Test
    void suppressesAMailWithoutRecipients() throws Exception {
        Outbox node = node("ops@x.test", "callboard.alerts.kind.failed.to", "none");
        Failures.record(callboard, "fotor", 1);
        assertThat(lease(node)).isNull();
        assertThat(onlyMail()).containsEntry("state", "suppressed").containsEntry("next_attempt_at", null);
        assertThat(onlyMail().get("last_error").toString()).contains("callboard.alerts.kind.failed.to");
        assertThat(callboard.manage("/mails").body()).contains("\"state\":\"suppressed\"", "\"recipients\":\"\"");
        node.resume();
        assertThat(lease(node("ops@x.test"))).isNull();
    }

    @Test
    void leasesNothingWhileTheApplicationStops() throws Exception {
        Failures.record(callboard, "fotor", 1);
        Outbox node = node("ops@x.test");
        CamelContext camel = callboard.callboard().camel();
        camel.suspend();
        assertThat(node.lease(camel)).isNull();
        camel.resume();
        assertThat(node.lease(camel)).isNotNull();
    }

    @Test
    void resumesDeferredAndBouncedMailsAtTheStart() throws Exception {
        Outbox node = node("one@x.test, two@x.test");
        Failures.record(callboard, "bounced", 1);
        node.mark(lease(node), rejection("one@x.test", "two@x.test"));
        Failures.record(callboard, "partial", 1);
        node.mark(lease(node), sentButTo("one@x.test"));
        // About the address that was rejected.
        LeasedMail undelivered = lease(node);
        assertThat(undelivered.kind()).isEqualTo("undelivered");
        node.mark(undelivered, null);
        Failures.record(callboard, "waiting", 1);
        node.mark(lease(node), notNow());
        assertThat(states()).containsExactly("bounced bounced", "partial sent", "partial sent", "waiting pending");
        assertThat(lease(node)).isNull();

        node("one@x.test, two@x.test").resume();
        assertThat(states()).containsExactly("bounced pending", "partial pending", "partial sent", "waiting pending");
        assertThat(callboard.rows("SELECT 1 FROM mail WHERE provider = 'partial' AND sent_at IS NULL"))
                .isEmpty();
        Map<String, List<String>> due = new HashMap<>();
        for (LeasedMail mail = lease(node); mail != null; mail = lease(node)) {
            due.put(mail.provider(), mail.addresses());
            node.mark(mail, null);
        }
        assertThat(due)
                .isEqualTo(Map.of(
                        "bounced", List.of("one@x.test", "two@x.test"),
                        "partial", List.of("one@x.test"),
                        "waiting", List.of("one@x.test", "two@x.test")));
        assertThat(states()).containsExactly("bounced sent", "partial sent", "partial sent", "waiting sent");
    }

    /** The server accepts the mail for two@x.test only. */
    private static SMTPSendFailedException sentButTo(String rejected) throws Exception {
        SMTPSendFailedException failure = new SMTPSendFailedException(
                ".",
                250,
                "250 accepted",
                new SendFailedException(),
                new Address[] {new InternetAddress("two@x.test")},
                new Address[0],
                new Address[0]);
        failure.setNextException(
                new SMTPAddressFailedException(new InternetAddress(rejected), "RCPT TO", 550, "550 no such user"));
        return failure;
    }

    private List<String> states() {
        return callboard.rows("SELECT provider, state FROM mail ORDER BY provider, state").stream()
                .map(row -> row.get("provider") + " " + row.get("state"))
                .toList();
    }

    @Test
    void endsTheLeasesOfThePreviousProcessOnH2Only() throws Exception {
        Outbox node = node("ops@x.test");
        Failures.record(callboard, "fotor", 1);
        lease(node);
        Outbox next = node("ops@x.test");
        next.resume();
        boolean alone = callboard.callboard().database().isH2();
        assertThat(lease(next) != null).isEqualTo(alone);
    }

    @Test
    void raisesAnAlertOncePerAddressAndDayForARejectedRecipient() throws Exception {
        Outbox node = node("one@x.test, two@x.test, three@x.test");
        Failures.record(callboard, "fotor", 1);
        node.mark(lease(node), rejection("one@x.test", "two@x.test"));
        Failures.record(callboard, "creatify", 1);
        LeasedMail second = Stream.of(lease(node), lease(node))
                .filter(mail -> mail.kind().equals("failed"))
                .findFirst()
                .orElseThrow();
        node.mark(second, rejection("two@x.test"));
        assertThat(undelivered()).hasSize(2).allSatisfy(detail -> assertThat(detail)
                .contains("About: fotor, failed", "550 no such user", "GET /mails"));
        assertThat(undelivered())
                .anySatisfy(detail -> assertThat(detail).contains("For: one@x.test\n"))
                .anySatisfy(detail -> assertThat(detail).contains("For: two@x.test\n"));
    }

    @Test
    void raisesNoAlertAboutARejectedRecipientWithoutAnotherRecipient() throws Exception {
        Outbox alone = node("one@x.test");
        Failures.record(callboard, "fotor", 1);
        alone.mark(lease(alone), rejection("one@x.test"));
        assertThat(onlyMail()).containsEntry("state", "bounced");
        assertThat(undelivered()).isEmpty();

        // A mail that says that another could not be delivered.
        Outbox both = node("one@x.test, two@x.test");
        Failures.record(callboard, "creatify", 1);
        both.mark(lease(both), rejection("one@x.test"));
        assertThat(undelivered()).hasSize(1);
        LeasedMail about = lease(both);
        assertThat(about.kind()).isEqualTo("undelivered");
        both.mark(about, rejection("two@x.test"));
        assertThat(undelivered()).hasSize(1);
    }

    @Test
    void handsOverNoMailThatAnotherNodeHasLeased() throws Exception {
        Outbox one = node("ops@x.test");
        Failures.record(callboard, "fotor", 1);
        LeasedMail first = lease(one);
        clock.advance(Outbox.LEASE_TIMEOUT.plusMillis(1));
        LeasedMail second = lease(node("ops@x.test"));
        MailComposer composer = composer();
        try (HostileMailServer server = new HostileMailServer(Certificates.TRUSTED)) {
            JavaMailSender sender = MailServer.of(MailServerTest.settings(server.settings()), clock);
            MimeMessage late = composer.compose(first);
            Throwable failure = catchThrowable(() -> sender.send(late));
            one.mark(first, (Exception) failure);
            assertThat(server.received()).isEmpty();
            assertThat(onlyMail()).containsEntry("lease_id", second.leaseId()).containsEntry("last_error", null);

            sender.send(composer.compose(second));
            assertThat(server.received()).hasSize(1);
        }
    }

    @Test
    void keepsTheLeaseWhileItAttemptsAMailButNotForever() throws Exception {
        Outbox one = node("ops@x.test");
        Outbox other = node("ops@x.test");
        Failures.record(callboard, "fotor", 1);
        LeasedMail mail = lease(one);
        for (int minute = 1; minute <= 15; minute++) {
            clock.advance(Duration.ofMinutes(1));
            assertThat(lease(one)).isNull();
            assertThat(lease(other)).as("minute " + minute).isNull();
        }
        clock.advance(Duration.ofMinutes(1));
        assertThat(lease(one)).isNull();
        clock.advance(Outbox.LEASE_TIMEOUT);
        assertThat(lease(other).mailId()).as("never marked").isEqualTo(mail.mailId());
    }

    @Test
    void takesOverTheMailOfANodeThatHasDied() throws Exception {
        Outbox one = node("ops@x.test");
        Outbox other = node("ops@x.test");
        Failures.record(callboard, "fotor", 1);
        LeasedMail mail = lease(one);
        clock.advance(Duration.ofSeconds(90));
        mail.beforeHandOver().run();
        clock.advance(Outbox.LEASE_TIMEOUT);
        assertThat(lease(other)).isNull();
        clock.advance(Duration.ofMillis(1));
        assertThat(lease(other).mailId()).isEqualTo(mail.mailId());
    }

    @Test
    void resumesMailsOnceTheDatabaseIsBackIfItIsAwayAtTheStart() throws Exception {
        CamelContext camel = callboard.callboard().camel();
        Outbox before = node("ops@x.test");
        Failures.record(callboard, "fotor", 1);
        before.mark(lease(before), notNow());
        Outbox after = node("ops@x.test");
        try (AutoCloseable outage = backend.outage(callboard.callboard().dataSource())) {
            assertThat(outage).isNotNull();
            assertThatThrownBy(() -> after.lease(camel)).isInstanceOf(SQLException.class);
        }
        LeasedMail mail = soon().ignoreExceptions().until(() -> after.lease(camel), leased -> leased != null);
        assertThat(mail.attempt()).as("of this start").isEqualTo(1);
        after.mark(mail, notNow());
        assertThat(after.lease(camel)).as("resumed once").isNull();
    }

    private static MailComposer composer() {
        Settings settings = MailServerTest.settings(Map.of());
        return new MailComposer(settings, new Recipients(settings), Clock.systemUTC());
    }

    @Test
    void makesAllWaitingMailsDueOnceOneGoesThrough() throws Exception {
        Outbox node = node("ops@x.test");
        Failures.record(callboard, "waiting", 1);
        Failures.record(callboard, "too", 1);
        Failures.record(callboard, "unconfirmed", 1);
        for (LeasedMail mail = lease(node); mail != null; mail = lease(node)) {
            node.mark(mail, mail.provider().equals("unconfirmed") ? new UnansweredException(null) : notNow());
        }
        assertThat(due(node)).isEmpty();

        Failures.record(callboard, "fotor", 1);
        node.mark(lease(node), null);
        assertThat(due(node)).containsExactlyInAnyOrder("waiting", "too");
    }

    /** The providers of the mails that are due; leases them. */
    private static List<String> due(Outbox node) throws SQLException {
        List<String> providers = new ArrayList<>();
        for (LeasedMail mail = lease(node); mail != null; mail = lease(node)) {
            providers.add(mail.provider());
        }
        return providers;
    }

    @Test
    void leavesAMailAloneThatAnotherNodeSendsWhenItStarts() throws Exception {
        Outbox one = node("no@x.test, ops@x.test", "callboard.alerts.kind.undelivered.to", "none");
        Failures.record(callboard, "fotor", 1);
        one.mark(lease(one), rejection("no@x.test"));
        clock.advance(Duration.ofSeconds(5));
        LeasedMail mail = Stream.of(lease(one), lease(one))
                .filter(leased -> leased != null && leased.kind().equals("failed"))
                .findFirst()
                .orElseThrow();
        if (!callboard.callboard().database().isH2()) {
            node("no@x.test, ops@x.test").resume();
            assertThat(recipients()).containsExactly("no@x.test rejected", "ops@x.test pending");
        }
        one.mark(mail, null);
        assertThat(recipients()).containsExactly("no@x.test rejected", "ops@x.test accepted");
    }

    @Test
    void gathersTheAlertsOfAKindThatIsSwitchedOffInOneMail() throws Exception {
        Outbox node = node("ops@x.test", "callboard.alerts.kind.failed.to", "none");
        for (int i = 0; i < 3; i++) {
            Failures.record(callboard, "fotor", i, i + 1, reason -> null);
            assertThat(lease(node)).isNull();
            clock.advance(Duration.ofMinutes(1));
        }
        assertThat(onlyMail()).containsEntry("state", "suppressed");
        assertThat(callboard.rows("SELECT 1 FROM alert WHERE mail_id IS NULL")).isEmpty();
        callboard.run("count-alerts");
        assertThat(callboard.manage("/observe/metrics").body())
                .contains("callboard_alerts_pending 0.0", "callboard_alerts_undeliverable 0.0");
        assertThat(callboard.manage("/mails").body()).contains("\"setAsideAt\":null");

        // Switched on again.
        clock.advance(Duration.ofHours(1));
        Failures.record(callboard, "fotor", 3, 4, reason -> null);
        assertThat(lease(node("ops@x.test")).content().alerts()).isEqualTo(1);
    }

    private List<String> undelivered() {
        return callboard.rows("SELECT detail FROM alert WHERE kind = 'undelivered'").stream()
                .map(row -> row.get("detail").toString())
                .toList();
    }

    @Test
    void raisesAnAlertOnceInTheHourOrDayOfItsKind() throws Exception {
        Outbox node = node("ops@x.test");
        assertThat(node.raise("malformed", "fotor", "no status")).isEqualTo(1);
        assertThat(node.raise("malformed", "fotor", "no status")).isZero();
        assertThat(node.raise("malformed", "creatify", "no status")).isEqualTo(1);
        assertThat(node.raise("refused", "fotor", "203.0.113.7: once")).isEqualTo(1);
        clock.advance(Duration.ofHours(1));
        assertThat(node.raise("malformed", "fotor", "no status")).isEqualTo(1);
        clock.advance(Duration.ofDays(1));
        assertThat(node.raise("refused", "fotor", "203.0.113.7: once")).isEqualTo(1);
    }
}
