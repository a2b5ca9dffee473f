package dev.callboard.alert;

import dev.callboard.settings.Settings;
import dev.callboard.text.SafeText;
import jakarta.mail.Address;
import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.internet.InternetAddress;
import java.security.cert.CertificateException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePropertyKey;
import org.eclipse.angus.mail.smtp.SMTPAddressFailedException;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;

/**
 * The bean {@code delivery}: what became of a mail that was handed over, by the answers of the mail server (RFC 5321).
 * Only a refusal for good of a recipient or of the mail itself ends the tries for those recipients. What the server
 * refuses before it knows the recipients is a fault of the settings, which {@link MailHealthCheck} shows until a mail
 * is taken; it is tried on, and so is everything else. Safe for any number of threads.
 */
public final class Delivery {
    private static final int MAX_TEXT = 1000;

    /** Rejections that begin with 5 but ask for another login or another order of commands. */
    private static final Set<Integer> FOR_LOGIN = Set.of(503, 530, 534, 535, 538);

    /** RFC 5321, 4.5.3.1.10: to RCPT it means too many recipients, and is to be taken for 452. */
    private static final int TOO_MANY_RECIPIENTS = 552;

    private static final Pattern CODE = Pattern.compile("^(\\d{3})\\b|response: (\\d{3})\\b");

    /** What the mail library says of a connection that ended instead of an answer. */
    private static final String ENDED = "[EOF]";

    private final String where;
    private volatile String fault;

    public Delivery(Settings settings) {
        this.where = MailServer.describe(settings);
    }

    /** Why the settings are to be mended before any mail can be sent, if so. */
    Optional<String> fault() {
        return Optional.ofNullable(fault);
    }

    /** The mail server took the mail for all in the variable {@code recipients}. */
    public void taken(Exchange exchange) {
        Verdict verdict = new Verdict(recipients(exchange));
        verdict.taken.addAll(verdict.recipients);
        write(exchange, verdict);
    }

    /** There is nobody who has still to get this mail, or nothing left to tell. */
    public void nobody(Exchange exchange) {
        Verdict verdict = new Verdict(List.of());
        if (map(exchange).get("taken_for").toString().isEmpty()) {
            verdict.words.add("nobody is told of this ("
                    + Settings.Alerts.keyOfKind(String.valueOf(map(exchange).get("kind"))) + ")");
        }
        write(exchange, verdict);
    }

    /** The exception that the route has caught tells who got the mail and why the others did not. */
    public void notTaken(Exchange exchange) {
        Throwable caught = exchange.getProperty(ExchangePropertyKey.EXCEPTION_CAUGHT, Throwable.class);
        write(exchange, judge(caught, recipients(exchange)));
    }

    private void write(Exchange exchange, Verdict verdict) {
        if (verdict.fault) {
            fault = verdict.text();
        } else if (!verdict.taken.isEmpty()) {
            fault = null;
        }
        exchange.setVariable("taken", joined(map(exchange).get("taken_for"), verdict.taken));
        exchange.setVariable("refused", joined(map(exchange).get("refused_for"), verdict.refused));
        exchange.setVariable("takenNow", String.join(", ", verdict.taken));
        exchange.setVariable("refusedNow", String.join(",", verdict.refused));
        exchange.setVariable("waits", verdict.waits());
        exchange.setVariable("fault", verdict.fault);
        exchange.setVariable("refusal", verdict.text());
    }

    /** What became of a test mail, for the person who asked. */
    public String inWords(Exchange exchange) {
        String taken = exchange.getVariable("takenNow", String.class);
        String refusal = exchange.getVariable("refusal", String.class);
        String ok = taken.isEmpty() ? "" : "The test mail for " + taken + " went to " + where + ".";
        if (refusal == null) {
            return ok + "\n";
        }
        return (ok.isEmpty() ? "The test mail did not go to " + where + ": " : ok + " But ") + refusal + "\n";
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> map(Exchange exchange) {
        return exchange.getVariable("mail", Map.class);
    }

    private static List<String> recipients(Exchange exchange) {
        List<String> recipients = new ArrayList<>();
        for (Object recipient : exchange.getVariable("recipients", List.class)) {
            recipients.add(word((InternetAddress) recipient));
        }
        return recipients;
    }

    private static String word(Address address) {
        return ((InternetAddress) address).getAddress().toLowerCase(Locale.ROOT);
    }

    private static String joined(Object before, Collection<String> now) {
        Set<String> all = new TreeSet<>(Recipients.split(before));
        all.addAll(now);
        return String.join(",", all);
    }

    /** What one try came to. Used by one thread, once. */
    private static final class Verdict {
        final List<String> recipients;
        final Set<String> taken = new LinkedHashSet<>();
        final Set<String> refused = new LinkedHashSet<>();
        final Set<String> later = new LinkedHashSet<>();
        final List<String> words = new ArrayList<>();
        boolean mailRefused;
        boolean fault;

        Verdict(List<String> recipients) {
            this.recipients = recipients;
        }

        boolean waits() {
            return recipients.stream().anyMatch(address -> !taken.contains(address) && !refused.contains(address));
        }

        String text() {
            return words.isEmpty() ? null : SafeText.line(String.join("; ", words), MAX_TEXT);
        }
    }

    private static Verdict judge(Throwable caught, List<String> recipients) {
        Verdict verdict = new Verdict(recipients);
        for (Throwable e = caught; e != null; e = e.getCause()) {
            if (e instanceof SMTPSendFailedException failed) {
                judgeMail(failed, verdict);
            } else if (e instanceof SMTPAddressFailedException failed) {
                judgeRecipient(failed, verdict);
            } else if (e instanceof AuthenticationFailedException) {
                boolean ended = ENDED.equals(e.getMessage());
                verdict.fault = !ended && code(e.getMessage()) / 100 != 4;
                verdict.words.add(
                        ended
                                ? "the mail server ended the connection at the login"
                                : "the mail server refused the login: " + e.getMessage());
            } else if (e instanceof CertificateException) {
                verdict.fault = true;
                verdict.words.add("the mail server's certificate is not trusted: " + e.getMessage());
            }
        }
        if (verdict.mailRefused) {
            verdict.refused.addAll(recipients);
            verdict.refused.removeAll(verdict.later);
        }
        if (verdict.words.isEmpty()) {
            judgeConnection(caught, verdict);
        }
        return verdict;
    }

    private static void judgeMail(SMTPSendFailedException failed, Verdict verdict) {
        int code = failed.getReturnCode();
        if (code / 100 == 2) {
            for (Address address : failed.getValidSentAddresses()) {
                verdict.taken.add(word(address));
            }
        } else if (failed.getCommand().startsWith("MAIL")) {
            verdict.fault = code / 100 == 5;
            verdict.words.add("the mail server refused the sender: " + said(code, failed));
        } else {
            verdict.mailRefused = code / 100 == 5 && !FOR_LOGIN.contains(code);
            verdict.fault = FOR_LOGIN.contains(code);
            verdict.words.add("the mail server did not take the mail itself: " + said(code, failed));
        }
    }

    private static void judgeRecipient(SMTPAddressFailedException failed, Verdict verdict) {
        int code = failed.getReturnCode();
        String address = word(failed.getAddress());
        if (FOR_LOGIN.contains(code)) {
            verdict.fault = true;
            verdict.later.add(address);
            verdict.words.add("the mail server wants a login: " + said(code, failed));
        } else if (code / 100 == 5 && code != TOO_MANY_RECIPIENTS) {
            verdict.refused.add(address);
            verdict.words.add("the mail server refused " + address + ": " + said(code, failed));
        } else {
            verdict.later.add(address);
            verdict.words.add("the mail server does not take mails for " + address + " now: " + said(code, failed));
        }
    }

    private static String said(int code, Exception e) {
        return code < 0
                ? "it ended the connection"
                : String.valueOf(e.getMessage()).strip();
    }

    /** Nothing was said about a recipient or the mail: the connection, its encryption, the greeting. */
    private static void judgeConnection(Throwable caught, Verdict verdict) {
        StringBuilder text = new StringBuilder();
        for (Throwable e = caught; e != null; e = e.getCause()) {
            String message = String.valueOf(e.getMessage());
            int code = code(message);
            verdict.fault |= code / 100 == 5
                    || message.startsWith("STARTTLS is required")
                    || message.startsWith("Can't verify identity");
            if (text.indexOf(message) < 0) {
                text.append(text.isEmpty() ? "" : ": ")
                        .append(e.getMessage() == null ? e.getClass().getSimpleName() : message);
            }
        }
        verdict.words.add(text.toString().replace(ENDED, "the mail server ended the connection"));
    }

    private static int code(String message) {
        Matcher matcher = CODE.matcher(String.valueOf(message));
        if (!matcher.find()) {
            return 0;
        }
        return Integer.parseInt(matcher.group(1) == null ? matcher.group(2) : matcher.group(1));
    }
}
