package dev.callboard.alert;

import dev.callboard.text.SafeText;
import jakarta.mail.Address;
import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.internet.InternetAddress;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.angus.mail.smtp.SMTPAddressFailedException;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;

/**
 * The result of one attempt to send a mail, by the replies of the mail server (RFC 5321) or the answer of the chat ({@link
 * ChatAnswer}). A recipient is rejected
 * only if the server rejects it, or the mail itself, for good. A rejection before the server knows the recipients is an
 * error of the settings: the mail is attempted again, as after every other error.
 *
 * @param accepted the recipients for whom the server accepted the mail
 * @param rejected the recipients that the server rejected for good
 * @param deferred the recipients for whom the mail is attempted again
 * @param settingsAtFault whether no mail can be sent before the settings, or the server, are corrected
 * @param unanswered whether the server had the mail and did not say that it accepts it
 * @param retryAfter for how long the server asks not to be sent anything; empty if it does not
 * @param error why a recipient did not get it, in one line; empty if all did
 */
record DeliveryResult(
        Set<String> accepted,
        Set<String> rejected,
        Set<String> deferred,
        boolean settingsAtFault,
        boolean unanswered,
        Optional<Duration> retryAfter,
        String error) {
    static final int MAX_ERROR = 1000;

    /** Replies that begin with 5 but ask for another login or another order of commands. */
    private static final Set<Integer> LOGIN_REPLIES = Set.of(503, 530, 534, 535, 538);

    /** RFC 5321, 4.5.3.1.10: in reply to RCPT it means too many recipients, and counts as 452. */
    private static final int TOO_MANY_RECIPIENTS = 552;

    private static final Pattern REPLY_CODE = Pattern.compile("^(\\d{3})\\b|response: (\\d{3})\\b");

    /** The mail library's message for a connection that ended instead of a reply. */
    private static final String CONNECTION_ENDED = "[EOF]";

    /** The server accepted the mail for all recipients. */
    static DeliveryResult accepted(Collection<String> recipients) {
        return new DeliveryResult(Set.copyOf(recipients), Set.of(), Set.of(), false, false, Optional.empty(), "");
    }

    /**
     * Whether no recipient got the mail for now, so that it is worth another attempt as soon as the server accepts any
     * mail. Not after a hand-over without an answer, since a server that has the mail would get it again and again; and not
     * if the server has said when to come again.
     */
    boolean isOutage() {
        return accepted.isEmpty() && !deferred.isEmpty() && !unanswered && retryAfter.isEmpty();
    }

    /**
     * @param failure the exception of the mail library
     * @param recipients the recipients of the mail, in lower case
     */
    static DeliveryResult failed(Throwable failure, Collection<String> recipients) {
        return new Verdict(recipients).of(failure);
    }

    /** One recipient rejected the mail for good. */
    static DeliveryResult rejected(String recipient, boolean settingsAtFault, String error) {
        return new DeliveryResult(
                Set.of(), Set.of(recipient), Set.of(), settingsAtFault, false, Optional.empty(), error);
    }

    /** The mail is attempted again for one recipient. */
    static DeliveryResult deferred(
            String recipient,
            boolean settingsAtFault,
            boolean unanswered,
            Optional<Duration> retryAfter,
            String error) {
        return new DeliveryResult(
                Set.of(), Set.of(), Set.of(recipient), settingsAtFault, unanswered, retryAfter, error);
    }

    /** An address as it is compared and stored: in lower case. */
    static String normalize(Address address) {
        return ((InternetAddress) address).getAddress().toLowerCase(Locale.ROOT);
    }

    /** The result while the chain of exceptions is read. Used by one thread, once. */
    private static final class Verdict {
        private final Collection<String> recipients;
        private final Set<String> accepted = new LinkedHashSet<>();
        private final Set<String> rejected = new LinkedHashSet<>();
        private final Set<String> deferred = new LinkedHashSet<>();
        private final List<String> errors = new ArrayList<>();
        private boolean mailRejected;
        private boolean settingsAtFault;
        private boolean unanswered;

        Verdict(Collection<String> recipients) {
            this.recipients = recipients;
        }

        DeliveryResult of(Throwable failure) {
            for (Throwable e = failure; e != null; e = e.getCause()) {
                if (e instanceof SMTPSendFailedException failed) {
                    judgeMail(failed);
                } else if (e instanceof SMTPAddressFailedException failed) {
                    judgeRecipient(failed);
                } else if (e instanceof UnansweredException) {
                    unanswered = true;
                    errors.add(e.getMessage());
                } else if (e instanceof AuthenticationFailedException) {
                    judgeLogin(e.getMessage());
                } else if (e instanceof CertificateException) {
                    settingsAtFault = true;
                    errors.add("the mail server's certificate is not trusted: " + e.getMessage());
                }
            }
            if (mailRejected) {
                recipients.stream()
                        .filter(address -> !deferred.contains(address))
                        .forEach(rejected::add);
            }
            if (errors.isEmpty()) {
                judgeConnection(failure);
            }
            recipients.stream()
                    .filter(address -> !accepted.contains(address) && !rejected.contains(address))
                    .forEach(deferred::add);
            return new DeliveryResult(
                    Set.copyOf(accepted),
                    Set.copyOf(rejected),
                    Set.copyOf(deferred),
                    settingsAtFault,
                    unanswered,
                    Optional.empty(),
                    SafeText.line(String.join("; ", errors), MAX_ERROR));
        }

        private void judgeMail(SMTPSendFailedException failed) {
            int code = failed.getReturnCode();
            if (code / 100 == 2) {
                for (Address address : failed.getValidSentAddresses()) {
                    accepted.add(normalize(address));
                }
            } else if (failed.getCommand().startsWith("MAIL")) {
                settingsAtFault = code / 100 == 5;
                errors.add("the mail server rejected the sender: " + reply(code, failed));
            } else {
                mailRejected = code / 100 == 5 && !LOGIN_REPLIES.contains(code);
                settingsAtFault = LOGIN_REPLIES.contains(code);
                unanswered = code < 0 && failed.getCommand().equals(".");
                errors.add("the mail server did not accept the mail itself: " + reply(code, failed));
            }
        }

        private void judgeRecipient(SMTPAddressFailedException failed) {
            int code = failed.getReturnCode();
            String address = normalize(failed.getAddress());
            if (LOGIN_REPLIES.contains(code)) {
                settingsAtFault = true;
                deferred.add(address);
                errors.add("the mail server requires a login: " + reply(code, failed));
            } else if (code / 100 == 5 && code != TOO_MANY_RECIPIENTS) {
                rejected.add(address);
                errors.add("the mail server rejected " + address + ": " + reply(code, failed));
            } else {
                deferred.add(address);
                errors.add("the mail server does not accept mails for " + address + " now: " + reply(code, failed));
            }
        }

        private void judgeLogin(String message) {
            boolean ended = CONNECTION_ENDED.equals(message);
            settingsAtFault = !ended && code(message) / 100 != 4;
            errors.add(
                    ended
                            ? "the mail server closed the connection at the login"
                            : "the mail server rejected the login: " + message);
        }

        /** An error before any reply about a recipient or the mail: the connection, its encryption, the greeting. */
        private void judgeConnection(Throwable failure) {
            StringBuilder text = new StringBuilder();
            for (Throwable e = failure; e != null; e = e.getCause()) {
                String message = String.valueOf(e.getMessage());
                settingsAtFault |= code(message) / 100 == 5
                        || message.startsWith("STARTTLS is required")
                        || message.startsWith("Can't verify identity");
                if (text.indexOf(message) < 0) {
                    text.append(text.isEmpty() ? "" : ": ")
                            .append(e.getMessage() == null ? e.getClass().getSimpleName() : message);
                }
            }
            errors.add(text.toString().replace(CONNECTION_ENDED, "the mail server closed the connection"));
        }

        private static String reply(int code, Exception e) {
            return code < 0
                    ? "it closed the connection"
                    : String.valueOf(e.getMessage()).strip();
        }

        private static int code(String message) {
            Matcher matcher = REPLY_CODE.matcher(String.valueOf(message));
            if (!matcher.find()) {
                return 0;
            }
            return Integer.parseInt(matcher.group(1) == null ? matcher.group(2) : matcher.group(1));
        }
    }
}
