// SPDX-License-Identifier: Apache-2.0
package io.sluice.kernel.policy;

/**
 * One rule.
 *
 * @param id under which its hits are counted ({@code rule_hits}); 0: not counted
 */
public record Rule(Action action, Match match, long id) {}
