// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigResolveOptions;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import io.sluice.config.model.Problem;
import io.sluice.config.model.Problem.Severity;
import io.sluice.config.model.RawValue;
import io.sluice.config.model.Spelling;
import io.sluice.config.model.Text;
import io.sluice.config.settings.AgentKeys.SourceType;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Reads what the node itself says, and collects everything that is wrong with it. */
final class AgentConfigReader {
  private static final String ROOT = "sluice";
  private static final String ENVIRONMENT = "environment";
  private static final Set<String> OWN_KEYS =
      Set.of(
          "node-name",
          "source",
          "source.type",
          "source.path",
          "source.recursive",
          "bpffs",
          "data-dir",
          "log-level",
          "management",
          "management.host",
          "management.port");

  private final Map<String, String> environment;
  private final List<Problem> problems = new ArrayList<>();
  private final Map<Setting<?>, Settings.Given> local = new HashMap<>();
  private final Map<String, ConfigValue> own = new HashMap<>();
  private String fileName = "";

  AgentConfigReader(Map<String, String> environment) {
    this.environment = environment;
  }

  AgentConfig read(Optional<Path> file) throws SettingsException {
    readEnvironment();
    Config config = ConfigFactory.empty();
    if (file.isPresent()) {
      fileName = file.get().toString();
      config = parse(file.get());
      readFile(config);
    }
    AgentKeys keys = ownKeys(file);
    List<Problem> errors = problems.stream().filter(p -> p.severity() == Severity.ERROR).toList();
    if (!errors.isEmpty()) {
      throw new SettingsException(errors);
    }
    return new AgentConfig(keys, local, problems, config);
  }

  private Config parse(Path file) throws SettingsException {
    try {
      if (!Files.isRegularFile(file)) {
        throw new IOException("there is no such file");
      }
      return ConfigFactory.parseString(
              Files.readString(file),
              com.typesafe.config.ConfigParseOptions.defaults().setOriginDescription(fileName))
          .resolve(ConfigResolveOptions.defaults());
    } catch (ConfigException e) {
      int line = e.origin() == null ? 0 : Math.max(0, e.origin().lineNumber());
      String reason = e.getMessage().replace('\n', ' ');
      if (e.origin() != null && reason.startsWith(e.origin().description() + ": ")) {
        reason = reason.substring(e.origin().description().length() + 2);
      }
      error(line, "", "is not HOCON: " + reason);
    } catch (IOException e) {
      String reason = e.getMessage() == null ? e.toString() : e.getMessage();
      error(0, "", "cannot be read: " + reason);
    }
    throw new SettingsException(problems);
  }

  private void readFile(Config config) {
    ConfigValue root = config.root().get(ROOT);
    if (root == null) {
      error(0, "", "has no \"" + ROOT + "\" section, write sluice { … }");
    } else if (root instanceof ConfigObject section) {
      new TreeMap<>(section).forEach(this::readKey);
    } else {
      error(line(root), ROOT, "is not a section, write sluice { … }");
    }
  }

  private void readKey(String key, ConfigValue value) {
    Optional<Setting<?>> setting = FelixSettings.find(key);
    if (setting.isPresent()) {
      RawValue raw = raw(value);
      if (raw == null) {
        error(line(value), key, "is nested too deeply");
        return;
      }
      Origin origin = new Origin(Origin.Layer.FILE, fileName + ":" + line(value));
      give(setting.get(), raw, origin, fileName, line(value), key);
    } else if (value instanceof ConfigObject section && isSection(key)) {
      new TreeMap<>(section).forEach((k, v) -> readOwn(key + "." + k, v));
    } else {
      readOwn(key, value);
    }
  }

  private static boolean isSection(String key) {
    return OWN_KEYS.contains(key) && OWN_KEYS.stream().anyMatch(k -> k.startsWith(key + "."));
  }

  private void readOwn(String key, ConfigValue value) {
    if (isSection(key)) {
      error(line(value), key, "is a section, write " + key + " { … }");
    } else if (OWN_KEYS.contains(key)) {
      own.put(key, value);
    } else if (FelixFields.isKnown(key)) {
      remark(Severity.IGNORED, fileName, line(value), key, "has no effect in Sluice");
    } else {
      Set<String> known = new TreeSet<>(OWN_KEYS);
      FelixSettings.all().forEach(s -> known.add(s.name()));
      error(
          line(value),
          key,
          "is not a setting"
              + Spelling.nearest(key, known).map(n -> ", did you mean " + n + "?").orElse(""));
    }
  }

  private void readEnvironment() {
    new TreeMap<>(environment)
        .forEach(
            (name, value) -> {
              if (name.startsWith("FELIX_")) {
                readVariable(name, value);
              }
            });
  }

  private void readVariable(String name, String value) {
    String key = name.substring("FELIX_".length());
    Optional<Setting<?>> setting = FelixSettings.findInAnyCase(key);
    if (setting.isPresent()) {
      Origin origin = new Origin(Origin.Layer.ENVIRONMENT, ENVIRONMENT + " " + name);
      give(setting.get(), new RawValue.Scalar(value), origin, ENVIRONMENT, 0, name);
    } else if (FelixFields.isKnown(key)) {
      remark(Severity.IGNORED, ENVIRONMENT, 0, name, "has no effect in Sluice");
    } else {
      List<String> known = FelixSettings.all().stream().map(Setting::environmentName).toList();
      String hint = Spelling.nearest(name, known).map(n -> ", did you mean " + n + "?").orElse("");
      remark(Severity.WARNING, ENVIRONMENT, 0, name, "is not a setting" + hint);
    }
  }

  private <T> void give(
      Setting<T> setting, RawValue raw, Origin origin, String file, int line, String field) {
    try {
      T value = setting.parse(raw);
      local.put(setting, new Settings.Given(raw, origin));
      setting.remark(value).ifPresent(r -> remark(Severity.IGNORED, file, line, field, r));
    } catch (IllegalArgumentException e) {
      remark(Severity.ERROR, file, line, field, e.getMessage());
    }
  }

  private AgentKeys ownKeys(Optional<Path> file) {
    SourceType type = SourceType.FILE;
    String typeName = text("source.type", "file");
    if (!typeName.equalsIgnoreCase("file")) {
      error(
          lineOf("source.type"),
          "source.type",
          Text.quote(typeName) + " is not supported by this version, write file");
    }
    Optional<Path> path = optionalText("source.path").map(p -> path("source.path", p));
    if (path.isEmpty() && file.isPresent()) {
      error(0, "source.path", "is missing, name the folder of manifests");
    }
    return new AgentKeys(
        nodeName(),
        type,
        path,
        flag("source.recursive"),
        path("bpffs", text("bpffs", "/sys/fs/bpf")),
        path("data-dir", text("data-dir", "/var/lib/sluice")),
        logLevel(),
        text("management.host", "127.0.0.1"),
        port("management.port", 8558));
  }

  private AgentKeys.LogLevel logLevel() {
    String name = text("log-level", "info");
    for (AgentKeys.LogLevel level : AgentKeys.LogLevel.values()) {
      if (level.name().equalsIgnoreCase(name)) {
        return level;
      }
    }
    error(
        lineOf("log-level"),
        "log-level",
        Text.quote(name) + " is not a level, write error, warn, info or debug");
    return AgentKeys.LogLevel.INFO;
  }

  /** Kubernetes' node names are lower case; a host's may not be. */
  private String nodeName() {
    String name = text("node-name", "");
    if (name.isEmpty() && own.containsKey("node-name")) {
      return name; // reported: empty or of a wrong type
    }
    if (name.isEmpty()) {
      name = hostName().toLowerCase(Locale.ROOT);
    }
    if (!name.matches("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")) {
      error(
          lineOf("node-name"),
          "node-name",
          Text.quote(name) + " is not a node name: lower-case letters, digits, - and .");
    }
    return name;
  }

  private static String hostName() {
    try {
      String name = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
      return name.isEmpty() ? "localhost" : name;
    } catch (IOException e) {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException unknown) {
        return "localhost";
      }
    }
  }

  private Optional<String> optionalText(String key) {
    ConfigValue value = own.get(key);
    if (value == null) {
      return Optional.empty();
    }
    RawValue raw = raw(value);
    if (!(raw instanceof RawValue.Scalar scalar)) {
      error(line(value), key, "is not one value");
      return Optional.empty();
    }
    if (scalar.text().isBlank()) {
      error(line(value), key, "is empty");
      return Optional.empty();
    }
    return Optional.of(scalar.text());
  }

  private String text(String key, String defaultText) {
    return optionalText(key).orElse(defaultText);
  }

  private boolean flag(String key) {
    try {
      return Values.bool().parse(new RawValue.Scalar(text(key, "false")));
    } catch (IllegalArgumentException e) {
      error(lineOf(key), key, e.getMessage());
      return false;
    }
  }

  private int port(String key, int defaultPort) {
    try {
      return (int) Values.number(text(key, Integer.toString(defaultPort)), 0, 65535);
    } catch (IllegalArgumentException e) {
      error(lineOf(key), key, e.getMessage());
      return defaultPort;
    }
  }

  private Path path(String key, String text) {
    if (text.indexOf('\0') >= 0) {
      error(lineOf(key), key, Text.quote(text) + " is not a path");
      return Path.of("/");
    }
    return Path.of(text);
  }

  private int lineOf(String key) {
    return own.containsKey(key) ? line(own.get(key)) : 0;
  }

  private static int line(ConfigValue value) {
    ConfigOrigin origin = value.origin();
    return Math.max(0, origin.lineNumber());
  }

  /** Null for what no setting can be. */
  private static RawValue raw(ConfigValue value) {
    if (value instanceof ConfigObject object) {
      Map<String, String> entries = new LinkedHashMap<>();
      for (Map.Entry<String, ConfigValue> entry : new TreeMap<>(object).entrySet()) {
        if (!isScalar(entry.getValue())) {
          return null;
        }
        entries.put(entry.getKey(), scalar(entry.getValue()));
      }
      return new RawValue.Entries(entries);
    }
    if (value instanceof com.typesafe.config.ConfigList list) {
      List<String> items = new ArrayList<>();
      for (ConfigValue item : list) {
        if (!isScalar(item)) {
          return null;
        }
        items.add(scalar(item));
      }
      return new RawValue.Items(items);
    }
    return new RawValue.Scalar(scalar(value));
  }

  private static boolean isScalar(ConfigValue value) {
    return value.valueType() != ConfigValueType.OBJECT && value.valueType() != ConfigValueType.LIST;
  }

  private static String scalar(ConfigValue value) {
    return String.valueOf(value.unwrapped());
  }

  private void error(int line, String field, String reason) {
    remark(Severity.ERROR, fileName, line, field, reason);
  }

  private void remark(Severity severity, String file, int line, String field, String reason) {
    problems.add(new Problem(severity, file, line, Optional.empty(), field, reason));
  }
}
