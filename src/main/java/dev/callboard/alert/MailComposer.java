package dev.callboard.alert;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.MustacheException;
import com.samskivert.mustache.Template;
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
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import org.apache.camel.Variable;

/**
 * The bean {@code mailComposer} of the route {@code send-alerts}: composes a mail (RFC 5322, MIME) of HTML with a plain
 * text alternative. Both are in quoted-printable, so that no line is longer than 76 characters, and nothing in them is
 * loaded from anywhere. No header but the subject has a value that a caller has sent. Safe for any number of threads.
 */
public final class MailComposer {
    private static final String TEMPLATES_KEY = "callboard.mail.templates";
    private static final int MAX_SUBJECT = 120;

    /** In base64 and after the header's name, still a line of at most 76 characters. */
    private static final int MAX_ENCODED_WORD_BYTES = 39;

    private final Template subject;
    private final Template text;
    private final Template html;
    private final MailModel model;
    private final Recipients recipients;
    private final Clock clock;

    /**
     * Reads the Mustache templates of subject, plain text and HTML: each is the file of its name in {@code
     * callboard.mail.templates}, or else the built-in one.
     *
     * @throws StartException if the folder is missing, or a template is broken or uses a name that {@link MailModel} lacks
     */
    public MailComposer(Settings settings, Recipients recipients, Clock clock) {
        Path folder = settings.mail().templates().orElse(null);
        if (folder != null && !Files.isDirectory(folder)) {
            throw StartException.of(TEMPLATES_KEY, "there is no folder " + folder);
        }
        this.subject = template(folder, "subject.mustache", false);
        this.text = template(folder, "alert.txt.mustache", false);
        this.html = template(folder, "alert.html.mustache", true);
        this.model = new MailModel(settings);
        this.recipients = recipients;
        this.clock = clock;
    }

    private static Template template(Path folder, String name, boolean escape) {
        Path file = folder == null ? null : folder.resolve(name);
        boolean own = file != null && Files.exists(file);
        try {
            Template template = Mustache.compiler()
                    .escapeHTML(escape)
                    .defaultValue("")
                    .emptyStringIsFalse(true)
                    .compile(own ? Files.readString(file) : builtIn(name));
            template.visit(new TemplateNames());
            template.execute(Map.of());
            return template;
        } catch (IOException | MustacheException | UnsupportedOperationException e) {
            throw new StartException((own ? file : name) + ": not a valid mail template (" + e.getMessage() + ")", e);
        }
    }

    private static String builtIn(String name) {
        try (InputStream in = MailComposer.class.getResourceAsStream("/mail/" + name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The mail about alerts of one provider and kind. */
    public MimeMessage compose(@Variable("mail") LeasedMail mail) throws MessagingException {
        Map<String, Object> model = this.model.of(mail.kind(), mail.provider(), mail.content());
        MimeMessage message = fill(new OutboxMessage(mail), model, mail.recipients(), mail.mailId());
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

    /** The subject of a mail, in one line, which is the heading of a message to the chat. */
    String heading(Map<String, Object> model) {
        return SafeText.line(subject.execute(model), MAX_SUBJECT);
    }

    MailModel model() {
        return model;
    }

    /** A mail to every address of the settings, which shows that mails arrive. */
    MimeMessage composeTest() throws MessagingException {
        MimeMessage message = new MimeMessage(Session.getInstance(new Properties()));
        return fill(message, model.ofTest(), recipients.addresses(), "<" + UUID.randomUUID() + "@callboard>");
    }

    private MimeMessage fill(MimeMessage message, Map<String, Object> model, List<InternetAddress> to, String id)
            throws MessagingException {
        message.setFrom(recipients.from());
        message.setRecipients(Message.RecipientType.TO, to.toArray(new InternetAddress[0]));
        message.setHeader("Subject", header(heading(model)));
        message.setSentDate(Date.from(clock.instant()));
        // Suppresses automatic replies: RFC 3834, and a header of Microsoft Exchange.
        message.setHeader("Auto-Submitted", "auto-generated");
        message.setHeader("X-Auto-Response-Suppress", "All");
        MimeBodyPart plain = new MimeBodyPart();
        plain.setText(text.execute(model), "UTF-8");
        plain.setHeader("Content-Transfer-Encoding", "quoted-printable");
        MimeBodyPart rich = new MimeBodyPart();
        rich.setText(html.execute(model), "UTF-8", "html");
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
        return isPlain(text) ? MimeUtility.fold("Subject: ".length(), text) : encodedWords(text, "\r\n ");
    }

    /** Whether a text is the value of a header as it is. */
    static boolean isPlain(String text) {
        return text.chars().allMatch(c -> c >= ' ' && c <= '~') && !text.contains("=?");
    }

    /** A text in encoded words (RFC 2047). */
    static String encodedWords(String text, String separator) {
        StringBuilder words = new StringBuilder();
        StringBuilder word = new StringBuilder();
        text.codePoints().forEach(c -> {
            String character = Character.toString(c);
            if (bytes(word + character).length > MAX_ENCODED_WORD_BYTES) {
                words.append(encodedWord(word)).append(separator);
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

    /** Rejects a name that the model lacks, which would silently render as nothing. */
    private static final class TemplateNames implements Mustache.Visitor {
        /** The engine's own names for the position in a list. */
        private static final Set<String> POSITIONS = Set.of("this", "-first", "-last", "-index");

        @Override
        public void visitText(String text) {}

        @Override
        public void visitVariable(String name) {
            check(name);
        }

        @Override
        public boolean visitInclude(String name) {
            throw new MustacheException("{{>" + name + "}}: templates can't include others");
        }

        @Override
        public boolean visitSection(String name) {
            check(name);
            return true;
        }

        @Override
        public boolean visitInvertedSection(String name) {
            check(name);
            return true;
        }

        private static void check(String name) {
            for (String part : name.equals(".") ? new String[0] : name.split("\\.", -1)) {
                if (!MailModel.NAMES.contains(part) && !POSITIONS.contains(part)) {
                    throw new MustacheException("there is no name " + name);
                }
            }
        }
    }
}
