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
 * The bean {@code alertMail} of the routes that send mails: makes one mail of what they have read (RFC 5322, MIME). HTML
 * with a plain text alternative, both in quoted-printable, so that no line is longer than 76 characters; nothing in it
 * is loaded from anywhere. No header but the subject holds a value of a stranger. Safe for any number of threads.
 */
public final class MailComposer {
    private static final int MAX_SUBJECT = 120;

    /** In base64 and with the header's name in front, still a line of at most 76 characters. */
    private static final int MAX_BYTES_IN_A_WORD = 39;

    private final MailTemplates templates;
    private final MailModel words;
    private final Recipients recipients;
    private final Clock clock;

    /** @throws StartException if a template can't be used */
    public MailComposer(Settings settings, Recipients recipients, Clock clock) {
        this.templates = new MailTemplates(settings);
        this.words = new MailModel(settings);
        this.recipients = recipients;
        this.clock = clock;
    }

    /** The mail of alerts of one provider and kind; the variables are those of {@code read-alerts}. */
    public MimeMessage compose(
            @Variable("mail") Map<String, Object> mail,
            @Variable("recipients") List<InternetAddress> to,
            @Variable("total") Map<String, Object> total,
            @Variable("reasons") List<Map<String, Object>> reasons,
            @Variable("alerts") List<Map<String, Object>> alerts,
            @Variable("files") List<Map<String, Object>> files)
            throws MessagingException {
        MimeMessage message =
                message(words.of(mail, total, reasons, alerts, files), to, String.valueOf(mail.get("mail_id")));
        // One thread for all mails of a provider and kind.
        if (mail.get("previous_id") != null) {
            String thread = mail.get("thread_id").toString();
            String previous = mail.get("previous_id").toString();
            message.setHeader("In-Reply-To", previous);
            message.setHeader("References", thread.equals(previous) ? thread : thread + "\r\n " + previous);
        }
        return message;
    }

    /** A mail that tells that mails arrive, for everybody whom the settings name. */
    public MimeMessage composeTest(@Variable("recipients") List<InternetAddress> to) throws MessagingException {
        return message(words.ofTest(), to, "<" + UUID.randomUUID() + "@callboard>");
    }

    private MimeMessage message(Map<String, Object> words, List<InternetAddress> to, String id)
            throws MessagingException {
        MimeMessage message = new MimeMessage(Session.getInstance(new Properties()));
        message.setFrom(recipients.from());
        message.setRecipients(Message.RecipientType.TO, to.toArray(new InternetAddress[0]));
        message.setHeader("Subject", header(SafeText.line(templates.subject(words), MAX_SUBJECT)));
        message.setSentDate(Date.from(clock.instant()));
        // RFC 3834, and what Exchange knows: no answer that somebody is on holiday.
        message.setHeader("Auto-Submitted", "auto-generated");
        message.setHeader("X-Auto-Response-Suppress", "All");
        MimeBodyPart plain = new MimeBodyPart();
        plain.setText(templates.text(words), "UTF-8");
        plain.setHeader("Content-Transfer-Encoding", "quoted-printable");
        MimeBodyPart rich = new MimeBodyPart();
        rich.setText(templates.html(words), "UTF-8", "html");
        rich.setHeader("Content-Transfer-Encoding", "quoted-printable");
        message.setContent(new MimeMultipart("alternative", plain, rich));
        message.saveChanges();
        message.setHeader("Message-ID", id);
        return message;
    }

    /**
     * A text as a header's value: as it is, folded, if it is plain ASCII, and else in encoded words (RFC 2047) of lines no
     * longer than 76. What looks like an encoded word is encoded too, or mail programs would decode a stranger's text.
     */
    private static String header(String text) {
        if (text.chars().allMatch(c -> c >= ' ' && c <= '~') && !text.contains("=?")) {
            return MimeUtility.fold("Subject: ".length(), text);
        }
        StringBuilder words = new StringBuilder();
        StringBuilder word = new StringBuilder();
        text.codePoints().forEach(c -> {
            String character = Character.toString(c);
            if (bytes(word + character).length > MAX_BYTES_IN_A_WORD) {
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
