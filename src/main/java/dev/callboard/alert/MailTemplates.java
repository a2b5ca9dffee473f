package dev.callboard.alert;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.MustacheException;
import com.samskivert.mustache.Template;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/**
 * The Mustache templates of the mails: subject, plain text and HTML. Each is the file of its name in {@code
 * callboard.mail.templates}, or else the built-in one. They are read once, at startup. Safe for any number of threads.
 */
final class MailTemplates {
    private static final String KEY = "callboard.mail.templates";

    private final Template subject;
    private final Template text;
    private final Template html;

    /** @throws StartException if the folder is missing, or a template is broken or uses a name that {@link MailModel} lacks */
    MailTemplates(Settings settings) {
        Path folder = settings.mail().templates().orElse(null);
        if (folder != null && !Files.isDirectory(folder)) {
            throw StartException.of(KEY, "there is no folder " + folder);
        }
        this.subject = template(folder, "subject.mustache", false);
        this.text = template(folder, "alert.txt.mustache", false);
        this.html = template(folder, "alert.html.mustache", true);
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
            template.visit(new NameCheck());
            template.execute(Map.of());
            return template;
        } catch (IOException | MustacheException | UnsupportedOperationException e) {
            throw new StartException((own ? file : name) + ": not a valid mail template (" + e.getMessage() + ")", e);
        }
    }

    private static String builtIn(String name) {
        try (InputStream in = MailTemplates.class.getResourceAsStream("/mail/" + name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String subject(Map<String, Object> model) {
        return subject.execute(model);
    }

    String text(Map<String, Object> model) {
        return text.execute(model);
    }

    String html(Map<String, Object> model) {
        return html.execute(model);
    }

    /** Rejects a name that the model lacks, which would silently render as nothing. */
    private static final class NameCheck implements Mustache.Visitor {
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
