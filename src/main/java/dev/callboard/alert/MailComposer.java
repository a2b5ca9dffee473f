package dev.callboard.alert;

import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.text.SafeText;
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeBodyPart;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.internet.MimeMultipart;
import jakarta.mail.internet.MimeUtility;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import org.apache.camel.Variable;

/**
 * The bean {@code mailComposer} of the route {@code send-alerts}: composes a mail (RFC 5322, MIME) of HTML with a plain
 * text alternative. Both are in quoted-printable, so that no line is longer than 76 characters, and nothing in them is
 * loaded from anywhere. No header but the subject has a value that a caller has sent. Safe for any number of threads.
 */
public final class MailComposer {
    private static final int MAX_SUBJECT = 120;

    /** In base64 and after the header's name, still a line of at most 76 characters. */
    private static final int MAX_ENCODED_WORD_BYTES = 39;

    private final MailTemplates templates;
    private final MailModel model;
    private final Recipients recipients;
    private final Clock clock;

    /** @throws StartException if a template can't be used */
    public MailComposer(Settings settings, Recipients recipients, Clock clock) {
        this.templates = new MailTemplates(settings);
        this.model = new MailModel(settings);
        this.recipients = recipients;
        this.clock = clock;
    }

    /** The mail about alerts of one provider and kind. */
    public MimeMessage compose(@Variable("mail") LeasedMail mail) throws MessagingException {
        Map<String, Object> model = this.model.of(mail.kind(), mail.provider(), mail.content());
        MimeMessage message = message(model, mail.recipients(), mail.mailId());
        // One thread for all mails of a provider and kind.
        if (mail.previousId() != null) {
            message.setHeader("In-Reply-To", mail.previousId());
            message.setHeader(
                    "References",
                    mail.threadId().equals(mail.previousId())
                            ? mail.threadId()
                            : mail.threadId() + "\r\n " + mail.previousId());
        }
        return message;
    }

    /** A mail to every address of the settings, which shows that mails arrive. */
    MimeMessage composeTest() throws MessagingException {
        return message(model.ofTest(), recipients.all(), "<" + UUID.randomUUID() + "@callboard>");
    }

    private MimeMessage message(Map<String, Object> model, List<InternetAddress> to, String id)
            throws MessagingException {
        MimeMessage message = new MimeMessage(Session.getInstance(new Properties()));
        message.setFrom(recipients.from());
        message.setRecipients(Message.RecipientType.TO, to.toArray(new InternetAddress[0]));
        message.setHeader("Subject", header(SafeText.line(templates.subject(model), MAX_SUBJECT)));
        message.setSentDate(Date.from(clock.instant()));
        // Suppresses automatic replies: RFC 3834, and a header of Microsoft Exchange.
        message.setHeader("Auto-Submitted", "auto-generated");
        message.setHeader("X-Auto-Response-Suppress", "All");
        MimeBodyPart plain = new MimeBodyPart();
        plain.setText(templates.text(model), "UTF-8");
        plain.setHeader("Content-Transfer-Encoding", "quoted-printable");
        MimeBodyPart rich = new MimeBodyPart();
        rich.setText(templates.html(model), "UTF-8", "html");
        rich.setHeader("Content-Transfer-Encoding", "quoted-printable");
        message.setContent(new MimeMultipart("alternative", plain, rich));
        message.saveChanges();
        message.setHeader("Message-ID", id);
        return message;
    }

    /**
     * A text as the value of a header: folded if it is plain ASCII, else in encoded words (RFC 2047). The mail library's
     * {@code encodeText} would leave ASCII that looks like an encoded word as it is, and mail programs would decode what
     * a caller has sent; and its first line would be longer than the 76 characters that RFC 2047 allows.
     */
    private static String header(String text) {
        if (text.chars().allMatch(c -> c >= ' ' && c <= '~') && !text.contains("=?")) {
            return MimeUtility.fold("Subject: ".length(), text);
        }
        StringBuilder words = new StringBuilder();
        StringBuilder word = new StringBuilder();
        text.codePoints().forEach(c -> {
            String character = Character.toString(c);
            if (bytes(word + character).length > MAX_ENCODED_WORD_BYTES) {
                words.append(encodedWord(word)).append("\r\n ");
                word.setLength(0);
            }
            word.append(character);
        });
        return words + encodedWord(word);
    }

    private static String encodedWord(CharSequence word) {
        return "=?UTF-8?B?" + Base64.getEncoder().encodeToString(bytes(word)) + "?=";
    }

    private static byte[] bytes(CharSequence text) {
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }
}
