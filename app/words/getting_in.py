"""What is said of people, passwords, sessions and logins: English template → Chinese."""

from __future__ import annotations

from collections.abc import Mapping

GETTING_IN: Mapping[str, str] = {
    "Name or password are wrong.": "用户名或密码不正确。",
    "Capital letters matter in the password.": "密码区分大小写。",
    "Too many logins failed.": "登录失败次数过多。",
    "Wait, then try again; it takes longer each time.": "请稍候再试；每次失败后等待时间会更长。",
    "Many people are logging in right now.": "当前登录的人较多。",
    "The session has ended.": "登录已失效。",
    "Nobody is logged in.": "尚未登录。",
    "Log in again: /login": "请重新登录：/login",
    "Log in at /login; programs send a key: chengtu key new.": "请在 /login 登录；程序请使用密钥：chengtu key new。",
    "This request does not come from a page of your session.": "此请求不是来自您登录后的页面。",
    "Load the page again and send it once more; programs send an API key instead of a cookie.": (
        "请重新打开页面再提交；程序请使用密钥而不是 cookie。"
    ),
    "The old password is wrong.": "原密码不正确。",
    "The new password is the old one.": "新密码与原密码相同。",
    "The two new passwords differ.": "两次输入的新密码不一致。",
    "Type it again.": "请重新输入。",
    "Take another one.": "请换一个。",
    "There is no password to change.": "没有可修改的密码。",
    "You log in at the provider; change it there.": "您通过统一认证登录，请在那里修改。",
    "A password has {least} to {most} characters.": "密码应为 {least} 至 {most} 个字符。",
    "Several words in a row are easy to remember.": "连续几个词语既好记又安全。",
    "This password is among the first that are tried.": "这个密码属于最先被猜到的一类。",
    "Take several words that have nothing to do with you.": "请用几个与您无关的词语。",
    "A person has a name to log in by.": "人员须有登录名。",
    "A title says something.": "职务须有内容。",
    "A party has a name.": "单位须有名称。",
    "A key is somebody's.": "密钥须有持有者。",
    "A subject is what the provider calls somebody.": "统一认证标识须有内容。",
    "An issuer is an address.": "统一认证地址须有内容。",
    "Give a name of 1 to {most} characters that can be seen.": "请给出 1 至 {most} 个可见字符的名称。",
    "There is a person named '{name}' already.": "已有名为“{name}”的人员。",
    "There is a party named '{name}' already.": "已有名为“{name}”的单位。",
    "Take another name.": "请换一个名称。",
    "Nobody may be both {one} and {other}.": "同一人不能兼有 {one} 与 {other}。",
    "Who administers people, the system or the record holds no other role: take a second person.": (
        "管理人员、系统或审计的人不得兼有其他角色：请另设一人。"
    ),
    "The role {role} is for the whole city.": "角色 {role} 只能授予全市。",
    "Leave the area out.": "请不要填写区域。",
    "Nobody holds more than {most} grants.": "每人最多 {most} 项授权。",
    "Grant a larger area.": "请授予更大的区域。",
    "{name} holds no such grant.": "{name} 没有这项授权。",
    "This is the last security administrator.": "这是最后一名安全管理员。",
    "Make another one first: chengtu user new NAME --role security": (
        "请先另设一名：chengtu user new 姓名 --role security"
    ),
    "The first person grants everybody else's roles.": "第一名人员负责给其他人授权。",
    "Give them the role security.": "请授予其 security 角色。",
    "The provider's name belongs to another person already.": "该统一认证标识已属于另一人员。",
    "There is no such clearance.": "没有这样的密级权限。",
    "One of: public, internal, restricted.": "应为 public、internal 或 restricted。",
    "There is no person with the number {number}.": "没有编号为 {number} 的人员。",
    "A key cannot hold for {hours} hours.": "密钥的有效期不能是 {hours} 小时。",
    "Give 1 to {most} hours.": "请给出 1 至 {most} 小时。",
    "The provider knows you, but this server does not.": "统一认证认识您，但本服务器上没有您的账号。",
    "Ask a security administrator to make you known as {subject}.": "请安全管理员登记您，标识为 {subject}。",
    "This login was not begun in this browser, or long ago.": "此次登录不是从本浏览器开始的，或开始得太久。",
    "The login provider refuses this login.": "统一认证拒绝了此次登录。",
    "The login was stopped at the provider.": "登录在统一认证处被中止。",
    "The login provider is not reachable.": "无法连接统一认证。",
    "The login provider does not answer as it should.": "统一认证的应答不正常。",
    "The login provider's answer cannot be read.": "无法读取统一认证的应答。",
    "Try again in a moment; security administrators can log in by password.": "请稍后再试；安全管理员可用密码登录。",
    "No login provider is set.": "没有设置统一认证。",
    "Log in by password: /login": "请用密码登录：/login",
    "Whom this token names is not on record here.": "本服务器上没有此令牌所指的人员。",
    "A security administrator makes people known: /users": "由安全管理员登记人员：/users",
    "This route is open to nobody.": "此地址不对任何人开放。",
    "That needs the permission '{needed}'; roles held here: {roles}.": "此操作需要权限“{needed}”；现有角色：{roles}。",
    "Security administrators grant roles: /users": "由安全管理员授予角色：/users",
    "This key does not open the phone page alone: it is no key for an address.": (
        "该密钥不只用于手机页，不能放在地址中。"
    ),
}
