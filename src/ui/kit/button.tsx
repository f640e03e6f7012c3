/** Buttons and links that look like them. One primary action on screen at a time is the caller's duty. */
import { type ReactNode, useEffect, useId } from "react";
import { Button as AriaButton, Tooltip, TooltipTrigger } from "react-aria-components";
import { Icon, type IconName } from "./icon.tsx";
import "./button.css";

// react-aria writes a <style> into the head unless an element with this id is there. The page's policy refuses inline
// styles, and base.css has the same rule.
const STYLE_ID = "react-aria-pressable-style";
if (!document.getElementById(STYLE_ID)) {
  const stand = document.createElement("meta");
  stand.id = STYLE_ID;
  document.head.append(stand);
}

export type ButtonKind = "primary" | "plain" | "quiet" | "danger";

export interface ButtonProps {
  readonly kind?: ButtonKind;
  /** Shows that the action runs, announces it, and refuses another press; focus stays. */
  readonly busy?: boolean | undefined;
  readonly disabled?: boolean | undefined;
  readonly onPress?: (() => void) | undefined;
  readonly type?: "button" | "submit";
  readonly icon?: IconName | undefined;
  /** A key that does the same, shown beside the words: "Space". The caller listens for it. */
  readonly shortcut?: string | undefined;
  readonly children: ReactNode;
}

/** What react-aria says of a busy button names it for some seconds, also when it is gone by then. */
function forgetAnnouncements(id: string): void {
  for (const said of document.querySelectorAll(`[data-live-announcer] [aria-labelledby~="${id}"]`)) said.remove();
}

/** A button with words. */
export function Button({ kind = "plain", busy, disabled, onPress, type, icon, shortcut, children }: ButtonProps) {
  const shown = busy ? "spinner" : icon;
  const id = useId();
  useEffect(() => () => forgetAnnouncements(id), [id]);
  return (
    <AriaButton
      id={id}
      className="k-button"
      data-kind={kind}
      isPending={busy === true}
      isDisabled={disabled === true}
      {...(onPress && { onPress })}
      {...(type && { type })}
    >
      {shown && <Icon name={shown} />}
      <span>{children}</span>
      {shortcut && <kbd className="k-key">{shortcut}</kbd>}
    </AriaButton>
  );
}

export interface LinkButtonProps {
  readonly href: string;
  /** The name to save under, for links that download. */
  readonly download?: string | undefined;
  readonly kind?: ButtonKind;
  readonly icon?: IconName | undefined;
  /** What happens besides, before the browser follows the link. */
  readonly onPress?: (() => void) | undefined;
  readonly children: ReactNode;
}

/** A link that looks like a button. */
export function LinkButton({ href, download, kind = "plain", icon, onPress, children }: LinkButtonProps) {
  return (
    <a className="k-button" data-kind={kind} href={href} download={download} onClick={onPress}>
      {icon && <Icon name={icon} />}
      <span>{children}</span>
    </a>
  );
}

export interface IconButtonProps {
  /** The name, also shown as a tooltip. */
  readonly label: string;
  readonly icon: IconName;
  readonly onPress: () => void;
  readonly disabled?: boolean | undefined;
  /** For toggles: whether it is on. */
  readonly pressed?: boolean | undefined;
}

/** A square button with an icon; its name appears on hover and focus. */
export function IconButton({ label, icon, onPress, disabled, pressed }: IconButtonProps) {
  return (
    <TooltipTrigger delay={400}>
      <AriaButton
        className="k-button"
        data-kind="quiet"
        data-square
        aria-label={label}
        isDisabled={disabled === true}
        onPress={onPress}
        {...(pressed !== undefined && { "aria-pressed": pressed })}
      >
        <Icon name={icon} />
      </AriaButton>
      <Tooltip className="k-tooltip" offset={6}>
        {label}
      </Tooltip>
    </TooltipTrigger>
  );
}
