// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigResolveOptions;
import com.typesafe.config.ConfigValue;
import io.sluice.config.model.Problem;
import io.sluice.config.model.Problem.Severity;
import io.sluice.config.model.RawValue;
import io.sluice.config.model.Spelling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Reads what the node itself says, and collects everything that is wrong with it. */
final class AgentConfigReader {
  private static final String ROOT = "sluice";
  private static final String ENVIRONMENT = "environment";
  private final Map<String, String> environment;
  private final List<Problem> problems = new ArrayList<>();
  private final Map<Setting<?>, Settings.Given> local = new HashMap<>();
  private final OwnKeys own = new OwnKeys(this::error);
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
    AgentKeys keys = new AgentKeysReader(own).read(file.isPresent());
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
      error(OwnKeys.line(root), ROOT, "is not a section, write sluice { … }");
    }
  }

  private void readKey(String key, ConfigValue value) {
    Optional<Setting<?>> setting = FelixSettings.find(key);
    if (setting.isPresent()) {
      RawValue raw = OwnKeys.raw(value);
      if (raw == null) {
        error(OwnKeys.line(value), key, "is nested too deeply");
        return;
      }
      Origin origin = new Origin(Origin.Layer.FILE, fileName + ":" + OwnKeys.line(value));
      give(setting.get(), raw, origin, fileName, OwnKeys.line(value), key);
    } else {
      readOwn(key, value);
    }
  }

  private void readOwn(String key, ConfigValue value) {
    if (AgentKeysReader.isSection(key)) {
      if (value instanceof ConfigObject section) {
        new TreeMap<>(section).forEach((k, v) -> readOwn(key + "." + k, v));
      } else {
        error(OwnKeys.line(value), key, "is a section, write " + key + " { … }");
      }
    } else if (AgentKeysReader.KEYS.contains(key)) {
      own.put(key, value);
    } else if (FelixFields.isKnown(key)) {
      remark(Severity.IGNORED, fileName, OwnKeys.line(value), key, "has no effect in Sluice");
    } else {
      Set<String> known = new TreeSet<>(AgentKeysReader.KEYS);
      FelixSettings.all().forEach(s -> known.add(s.name()));
      error(
          OwnKeys.line(value),
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

  private void error(int line, String field, String reason) {
    remark(Severity.ERROR, fileName, line, field, reason);
  }

  private void remark(Severity severity, String file, int line, String field, String reason) {
    problems.add(new Problem(severity, file, line, Optional.empty(), field, reason));
  }
}
