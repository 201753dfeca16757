// SPDX-License-Identifier: Apache-2.0
package io.sluice.actors.policy;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a round has done, and how the kernel stands after it.
 *
 * @param inForce interfaces whose programs, as far as they have slots, are those that are wanted
 * @param failures of interfaces whose programs are not, a line each
 * @param problems of sets and hits, a line each
 * @param changed interfaces whose flows may be judged otherwise now: their programs were replaced,
 *     or a set that these look in has other members
 * @param figures totals since the agent's start, and sizes now
 * @param again whether there is room now for what was refused
 */
record Outcome(
    Set<String> inForce,
    Map<String, String> failures,
    List<String> problems,
    Set<String> changed,
    PolicyFigures figures,
    boolean again) {}
