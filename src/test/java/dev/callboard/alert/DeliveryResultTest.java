package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.mail.Address;
import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.MessagingException;
import jakarta.mail.SendFailedException;
import jakarta.mail.internet.AddressException;
import jakarta.mail.internet.InternetAddress;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.util.List;
import org.eclipse.angus.mail.smtp.SMTPAddressFailedException;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The result of an attempt, by the replies of the mail server. */
final class DeliveryResultTest {
    private static final List<String> BOTH = List.of("one@x.test", "two@x.test");

    private static DeliveryResult of(Exception failure) {
        // As Camel's mail component wraps it.
        return DeliveryResult.failed(new IllegalStateException(failure), BOTH);
    }

    /** A reply to a command that concerns the whole mail. */
    private static SMTPSendFailedException mail(String command, int code, Address... accepted) {
        return new SMTPSendFailedException(
                command, code, code + " as it is", new SendFailedException(), accepted, new Address[0], new Address[0]);
    }

    private static SMTPAddressFailedException recipient(String address, int code) throws AddressException {
        return new SMTPAddressFailedException(new InternetAddress(address), "RCPT TO", code, code + " as it is");
    }

    @Test
    void acceptsForAllWithoutAFailure() {
        assertThat(DeliveryResult.accepted(BOTH).accepted()).containsExactlyInAnyOrderElementsOf(BOTH);
        assertThat(DeliveryResult.accepted(BOTH).error()).isEmpty();
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({
        // command, reply, rejected, at fault
        "MAIL FROM, 451, false, false",
        "MAIL FROM, 550, false, true",
        "DATA, 451, false, false",
        "DATA, 554, true, false",
        "DATA, 530, false, true",
        "., 552, true, false",
        "., -1, false, false"
    })
    void classifiesAReplyToTheWholeMail(String command, int code, boolean rejected, boolean atFault) {
        DeliveryResult result = of(mail(command, code));
        assertThat(result.accepted()).isEmpty();
        assertThat(result.rejected()).hasSize(rejected ? 2 : 0);
        assertThat(result.deferred()).hasSize(rejected ? 0 : 2);
        assertThat(result.settingsAtFault()).isEqualTo(atFault);
        assertThat(result.error()).contains(code < 0 ? "it closed the connection" : code + " as it is");
    }

    @ParameterizedTest(name = "RCPT TO {0}")
    @CsvSource({
        // reply, rejected, at fault
        "450, false, false",
        "550, true, false",
        "552, false, false",
        "553, true, false",
        "530, false, true",
    })
    void classifiesAReplyToOneRecipient(int code, boolean rejected, boolean atFault) throws Exception {
        SMTPSendFailedException sent = mail(".", 250, new InternetAddress("Two@X.test"));
        sent.setNextException(recipient("One@x.test", code));
        DeliveryResult result = of(sent);
        assertThat(result.accepted()).containsExactly("two@x.test");
        assertThat(result.rejected()).containsExactlyElementsOf(rejected ? List.of("one@x.test") : List.of());
        assertThat(result.deferred()).containsExactlyElementsOf(rejected ? List.of() : List.of("one@x.test"));
        assertThat(result.settingsAtFault()).isEqualTo(atFault);
    }

    @ParameterizedTest
    @CsvSource({
        "535 5.7.8 wrong password, true, rejected the login: 535 5.7.8 wrong password",
        "454 4.7.0 try later, false, rejected the login: 454",
        "[EOF], false, closed the connection at the login"
    })
    void classifiesAFailedLogin(String message, boolean atFault, String error) {
        DeliveryResult result = of(new AuthenticationFailedException(message));
        assertThat(result.deferred()).hasSize(2);
        assertThat(result.settingsAtFault()).isEqualTo(atFault);
        assertThat(result.error()).contains(error);
    }

    @Test
    void isNoOutageIfTheServerMayHaveTheMail() throws Exception {
        assertThat(of(new MessagingException("connection refused")).isOutage()).isTrue();
        DeliveryResult silent = of(new UnansweredException(new SocketTimeoutException("Read timed out")));
        assertThat(silent.isOutage()).isFalse();
        assertThat(silent.deferred()).hasSize(2);
        assertThat(silent.error()).isEqualTo("the mail server has received the mail and did not confirm it");
        assertThat(of(mail(".", -1)).isOutage()).isFalse();
        assertThat(of(mail("DATA", 451)).isOutage()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "'Could not connect to SMTP host: x, port: 25, response: 554', true",
        "'Could not connect to SMTP host: x, port: 25, response: 421', false",
        "STARTTLS is required but host does not support STARTTLS, true",
        "Can't verify identity of server: x, true",
        "[EOF], false"
    })
    void classifiesAFailedConnection(String message, boolean atFault) {
        DeliveryResult result = of(new MessagingException(message, new ConnectException("Connection refused")));
        assertThat(result.deferred()).hasSize(2);
        assertThat(result.settingsAtFault()).isEqualTo(atFault);
        assertThat(result.error()).contains("Connection refused").doesNotContain("[EOF]", "\n");
    }
}
